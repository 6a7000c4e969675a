/**
 * The test kit: an agent in memory, fakes, a clock that tests move, and the conformance suite.
 *
 * @module
 */
export { type RecordedCall, TestControlPlane } from "./control_plane.ts";
export { conformance, type ConformanceOptions } from "./conformance.ts";
export { fake } from "./fake.ts";
export { type CommandEnd, runCommand } from "./run_command.ts";
export type { RecordedIoOptions as RunCommandOptions } from "../cli/recorded_io.ts";
export { createTestAgent, type LogLine, TestAgent, type TestAgentOptions } from "./test_agent.ts";
export type { Closing, TestSocket } from "./test_socket.ts";
export { VirtualClock } from "./virtual_clock.ts";
