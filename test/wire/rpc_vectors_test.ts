/** The bytes on the wire, fixed: what the reference's libraries send and expect, both ways. */
import { assertEquals } from "@std/assert";
import { decodeHex, encodeHex } from "@std/encoding/hex";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";

import {
  Connection_Action,
  Connection_Type,
  Lifecycle_State,
  LifecycleSchema,
  ReportBoundaryLogsRequestSchema,
  ReportConnectionRequestSchema,
  UpdateAppStatusRequest_AppStatusState,
  UpdateAppStatusRequestSchema,
  UpdateLifecycleRequestSchema,
  UpdateStatsResponseSchema,
  WorkspaceAgentMetadata_DescriptionSchema,
} from "../../core/proto/gen/agent_pb.ts";
import { Agent } from "../../core/proto/gen/agent_pb.ts";
import { AgentSocket, SyncStartRequestSchema } from "../../core/proto/gen/agentsocket_pb.ts";
import { BoundaryMessageSchema } from "../../core/proto/gen/boundary_pb.ts";
import { bytePipe } from "../../core/rpc/byte_pipe.ts";
import type { ByteStream } from "../../core/rpc/byte_stream.ts";
import { DrpcClient } from "../../core/rpc/drpc/client.ts";
import { encodeError, RpcError } from "../../core/rpc/drpc/error.ts";
import { encodeMetadata } from "../../core/rpc/drpc/metadata.ts";
import { encodeFrame, Kind, type Packet, splitPacket } from "../../core/rpc/drpc/packet.ts";
import { PacketReader } from "../../core/rpc/drpc/packet_reader.ts";
import { serveDrpc } from "../../core/rpc/drpc/server.ts";
import { ServiceRouter } from "../../core/rpc/service_router.ts";
import { pathOf, typedClient } from "../../core/rpc/typed_client.ts";
import { decodeHeader, encodeHeader, Flag, FrameType } from "../../core/rpc/yamux/frame.ts";
import { YamuxSession } from "../../core/rpc/yamux/session.ts";

const hex = (bytes: Uint8Array) => encodeHex(bytes);
const bytes = (text: string) => decodeHex(text.replaceAll(/\s/g, ""));
const NEW_YEAR = { seconds: 1767225600n };

const YAMUX_FRAMES = {
  "open stream 1": ["00 01 00 01 00 00 00 01 00 00 00 00", FrameType.windowUpdate, Flag.syn, 1, 0],
  "accept stream 1": ["00 01 00 02 00 00 00 01 00 00 00 00", FrameType.windowUpdate, Flag.ack, 1, 0],
  "45 payload bytes on 1": ["00 00 00 00 00 00 00 01 00 00 00 2d", FrameType.data, 0, 1, 45],
  "grant 131072 on 1": ["00 01 00 00 00 00 00 01 00 02 00 00", FrameType.windowUpdate, 0, 1, 131072],
  "half close stream 1": ["00 01 00 04 00 00 00 01 00 00 00 00", FrameType.windowUpdate, Flag.fin, 1, 0],
  "reset stream 1": ["00 01 00 08 00 00 00 01 00 00 00 00", FrameType.windowUpdate, Flag.rst, 1, 0],
  "ping request id 7": ["00 02 00 01 00 00 00 00 00 00 00 07", FrameType.ping, Flag.syn, 0, 7],
  "ping reply id 7": ["00 02 00 02 00 00 00 00 00 00 00 07", FrameType.ping, Flag.ack, 0, 7],
  "go away, normal": ["00 03 00 00 00 00 00 00 00 00 00 00", FrameType.goAway, 0, 0, 0],
  "go away, protocol error": ["00 03 00 00 00 00 00 00 00 00 00 01", FrameType.goAway, 0, 0, 1],
} as const;

for (const [name, [wire, type, flags, streamId, length]] of Object.entries(YAMUX_FRAMES)) {
  Deno.test(`yamux: ${name}`, () => {
    assertEquals(hex(encodeHeader(type, flags, streamId, length)), wire.replaceAll(" ", ""));
    assertEquals(decodeHeader(bytes(wire)), { version: 0, type, flags, streamId, length });
  });
}

const text = (value: string) => new TextEncoder().encode(value);
const ZEROES = new Uint8Array(70_000);
const DRPC_PACKETS: Readonly<Record<string, [wire: string, packet: Partial<Packet> & { kind: number }]>> = {
  "invoke": [
    "03 01 01 21 2f636f6465722e6167656e742e76322e4167656e742f4765744d616e6966657374",
    { kind: Kind.invoke, data: text("/coder.agent.v2.Agent/GetManifest") },
  ],
  "empty message": ["05 01 02 00", { kind: Kind.message, message: 2n }],
  "end of sending": ["0d 01 03 00", { kind: Kind.closeSend, message: 3n }],
  "error with code 12": [
    "07 01 01 15 000000000000000c 556e696d706c656d656e746564",
    { kind: Kind.error, data: encodeError(new RpcError("Unimplemented", 12n)) },
  ],
  "error without a code": [
    "07 01 01 25 0000000000000000 6167656e74206e6f7420636f6e6e656374656420746f20636f64657264",
    { kind: Kind.error, data: encodeError(new Error("agent not connected to coderd")) },
  ],
  "close": ["0b 01 04 00", { kind: Kind.close, message: 4n }],
  "cancel": ["89 01 04 00", { kind: Kind.cancel, message: 4n, control: true }],
  "a message in two frames": [
    `04 01 02 80 80 04 ${"00".repeat(65_536)} 05 01 02 f0 22 ${"00".repeat(4_464)}`,
    { kind: Kind.message, message: 2n, data: ZEROES },
  ],
  "metadata": ["0f 01 01 08 0a06 0a0161 120162", { kind: Kind.invokeMetadata, data: encodeMetadata({ a: "b" }) }],
};

for (const [name, [wire, parts]] of Object.entries(DRPC_PACKETS)) {
  Deno.test(`dRPC: ${name}`, () => {
    const packet: Packet = { control: false, stream: 1n, message: 1n, data: new Uint8Array(0), ...parts };

    assertEquals(splitPacket(packet).map((frame) => hex(encodeFrame(frame))).join(""), wire.replaceAll(" ", ""));
    assertEquals(new PacketReader().push(bytes(wire)), [packet]);
  });
}

const READY = { state: Lifecycle_State.READY, changedAt: { ...NEW_YEAR, nanos: 500_000_000 } };
const BOUNDARY_REQUEST = {
  logs: [{
    allowed: true,
    time: NEW_YEAR,
    resource: {
      case: "httpRequest" as const,
      value: { method: "GET", url: "https://example.com/", matchedRule: "domain=example.com" },
    },
  }],
};
const BOUNDARY_BYTES = "0a 3b 08 01 12 06 08 80 f2 d6 ca 06 1a 2f 0a 03 47 45 54" +
  "12 14 68 74 74 70 73 3a 2f 2f 65 78 61 6d 70 6c 65 2e 63 6f 6d 2f" +
  "1a 12 64 6f 6d 61 69 6e 3d 65 78 61 6d 70 6c 65 2e 63 6f 6d";

const MESSAGES = {
  "UpdateLifecycle, ready": [
    "0a10 0805 120c 0880f2d6ca06 1080cab5ee01",
    UpdateLifecycleRequestSchema,
    create(UpdateLifecycleRequestSchema, { lifecycle: READY }),
  ],
  "the answer to UpdateLifecycle": [
    "0805 120c 0880f2d6ca06 1080cab5ee01",
    LifecycleSchema,
    create(LifecycleSchema, READY),
  ],
  "UpdateAppStatus, idle": [
    "0a 03 61 70 70 10 01 1a 02 68 69",
    UpdateAppStatusRequestSchema,
    create(UpdateAppStatusRequestSchema, {
      slug: "app",
      state: UpdateAppStatusRequest_AppStatusState.IDLE,
      message: "hi",
    }),
  ],
  "UpdateAppStatus, working, which is zero and not sent": [
    "0a 03 61 70 70 1a 02 68 69",
    UpdateAppStatusRequestSchema,
    create(UpdateAppStatusRequestSchema, { slug: "app", message: "hi" }),
  ],
  "ReportConnection": [
    "0a 29 0a 10 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 10 01 18 01 22 06 08 80 f2 d6 ca 06" +
    "2a 09 31 32 37 2e 30 2e 30 2e 31",
    ReportConnectionRequestSchema,
    create(ReportConnectionRequestSchema, {
      connection: {
        id: Uint8Array.from({ length: 16 }, (_, index) => index + 1),
        action: Connection_Action.CONNECT,
        type: Connection_Type.SSH,
        timestamp: create(TimestampSchema, NEW_YEAR),
        ip: "127.0.0.1",
      },
    }),
  ],
  "the interval of stats, 300 s": [
    "0a 03 08 ac 02",
    UpdateStatsResponseSchema,
    create(UpdateStatsResponseSchema, { reportInterval: create(DurationSchema, { seconds: 300n }) }),
  ],
  "metadata that is due every 10 s, counted in nanoseconds": [
    "22 02 10 0a",
    WorkspaceAgentMetadata_DescriptionSchema,
    create(WorkspaceAgentMetadata_DescriptionSchema, { interval: { nanos: 10 } }),
  ],
  "SyncStart": ["0a 02 64 62", SyncStartRequestSchema, create(SyncStartRequestSchema, { unit: "db" })],
  "boundary logs, bare": [
    BOUNDARY_BYTES,
    ReportBoundaryLogsRequestSchema,
    create(ReportBoundaryLogsRequestSchema, BOUNDARY_REQUEST),
  ],
  "boundary logs in their envelope": [
    `0a 3d ${BOUNDARY_BYTES}`,
    BoundaryMessageSchema,
    create(BoundaryMessageSchema, { msg: { case: "logs", value: BOUNDARY_REQUEST } }),
  ],
  "boundary status": [
    "12 04 08 05 10 03",
    BoundaryMessageSchema,
    create(BoundaryMessageSchema, { msg: { case: "status", value: { droppedChannelFull: 5n, droppedBatchFull: 3n } } }),
  ],
} as const;

for (const [name, [wire, schema, message]] of Object.entries(MESSAGES)) {
  Deno.test(`protobuf: ${name}`, () => {
    assertEquals(hex(toBinary(schema, message as never)), wire.replaceAll(" ", ""));
    assertEquals(fromBinary(schema as typeof LifecycleSchema, bytes(wire)), message as never);
  });
}

Deno.test("every method of the agent API has the path, and every service the name, that the reference has", () => {
  assertEquals(pathOf(Agent.method.getManifest), "/coder.agent.v2.Agent/GetManifest");
  assertEquals(Agent.methods.map((method) => method.name), [
    ...["GetManifest", "GetServiceBanner", "UpdateStats", "UpdateLifecycle", "BatchUpdateAppHealths", "UpdateStartup"],
    ...["BatchUpdateMetadata", "BatchCreateLogs", "GetAnnouncementBanners", "ScriptCompleted"],
    ...["GetResourcesMonitoringConfiguration", "PushResourcesMonitoringUsage", "ReportConnection", "CreateSubAgent"],
    ...["DeleteSubAgent", "ListSubAgents", "ReportBoundaryLogs", "UpdateAppStatus", "PushContextState"],
  ]);
  assertEquals(pathOf(AgentSocket.method.ping), "/coder.agentsocket.v1.AgentSocket/Ping");
});

Deno.test("a call through yamux sends exactly these bytes, and takes exactly these", async () => {
  const [ours, theirs] = bytePipe();
  const session = new YamuxSession(ours, { role: "client", keepAliveMs: 0 });
  const client = new DrpcClient(await session.open());
  const answered = typedClient(Agent, () => client).getManifest({});
  const CALL = "03010121 2f636f6465722e6167656e742e76322e4167656e742f4765744d616e6966657374 05010200 0d010300";

  assertEquals(
    hex(await readBytes(theirs, 12 + 12 + 45)),
    `00 01 00 01 00 00 00 01 00 00 00 00  00 00 00 00 00 00 00 01 00 00 00 2d ${CALL}`.replaceAll(/\s/g, ""),
  );
  await theirs.write(bytes("00 01 00 02 00 00 00 01 00 00 00 00"));
  await theirs.write(bytes("00 00 00 00 00 00 00 01 00 00 00 0c  05 01 01 04 7a 02 78 79  0d 01 02 00"));

  assertEquals((await answered).agentName, "xy");
  session.close();
});

Deno.test("two calls in a row on the agent socket are answered with exactly these bytes", async () => {
  const [ours, theirs] = bytePipe();
  const router = new ServiceRouter();
  router.add(AgentSocket, { syncStart: () => ({}), ping: () => ({}) });
  const served = serveDrpc(ours, router.handle);

  await theirs.write(bytes(`03 01 01 2b ${hex(text("/coder.agentsocket.v1.AgentSocket/SyncStart"))}`));
  await theirs.write(bytes("05 01 02 04 0a 02 64 62  0d 01 03 00"));
  assertEquals(hex(await readBytes(theirs, 8)), "05010100" + "0d010200");
  await theirs.write(
    bytes(`03 02 01 26 ${hex(text("/coder.agentsocket.v1.AgentSocket/Ping"))} 05 02 02 00 0d 02 03 00`),
  );
  assertEquals(hex(await readBytes(theirs, 8)), "05020100" + "0d020200");

  theirs.close();
  await served;
});

async function readBytes(stream: ByteStream, count: number): Promise<Uint8Array> {
  const all: number[] = [];
  while (all.length < count) all.push(...(await stream.read())!);
  assertEquals(all.length, count);
  return Uint8Array.from(all);
}
