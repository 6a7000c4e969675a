/**
 * Reads a file, or a window of its bytes, as a stream.
 *
 * @module
 */
import { FileRefusedError } from "./file_errors.ts";
import { type FileFacts, type OpenFile, readUpTo } from "./file_system.ts";
import { type FileWork, requireRegular } from "./file_work.ts";
import { tagOfBytes, tagOfFacts } from "./version_tag.ts";

/** Which bytes are wanted. */
export interface ByteWindow {
  readonly offset: number;
  /** 0: to the end. */
  readonly limit: number;
}

/** A file that is being read. */
export interface FileReading {
  /** Version of the whole file, whatever the window. Absent for files the kernel makes up. */
  readonly version?: string;
  /** Bytes of the body; absent when only reading to the end will tell. */
  readonly length?: number;
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Closes the file when the body is not going to be read. */
  discard(): Promise<void>;
}

/** Bytes per read. Bigger ones gain nothing here, smaller ones cost a system call and a wake-up each. */
const CHUNK_BYTES = 128 * 1024;
/** Bytes of a file without a size that are read before the answer starts, so that its length can usually be told. */
const UNSIZED_BYTES = 1024 * 1024;

/**
 * Opens a regular file. A small one is read at once, so that its version and its bytes belong together; a bigger one is
 * streamed from where it is.
 *
 * @throws {FileRefusedError} 400 when the path is something else; pipes and devices are never opened.
 * @throws What the file system throws.
 */
export async function openReading(work: FileWork, path: string, window: ByteWindow): Promise<FileReading> {
  const { files, config } = work;
  requireRegular(path, await files.stat(path));
  const file = await files.open(path);
  let streaming = false;
  try {
    const facts = await file.stat();
    requireRegular(path, facts);
    if (facts.size > config.versionHashBytes) {
      streaming = true;
      return await streamWindow(file, facts, window);
    }
    const most = Math.max(config.versionHashBytes, UNSIZED_BYTES);
    const { bytes, more } = await readUpTo(file, most, facts.size);
    if (more) {
      streaming = true;
      return await streamUnsized(file, window);
    }
    const end = window.limit === 0 ? bytes.length : window.offset + window.limit;
    const body = bytes.subarray(Math.min(window.offset, bytes.length), Math.min(end, bytes.length));
    const version = facts.size === bytes.length ? await tagOfBytes(bytes) : undefined;
    return { version, length: body.length, body, discard: () => Promise.resolve() };
  } finally {
    if (!streaming) file.close();
  }
}

async function streamWindow(file: OpenFile, facts: FileFacts, window: ByteWindow): Promise<FileReading> {
  const rest = Math.max(0, facts.size - window.offset);
  const length = window.limit === 0 ? rest : Math.min(rest, window.limit);
  const body = await streamFrom(file, window.offset, length);
  return { version: await tagOfFacts(facts), length, body, discard: () => body.cancel() };
}

/** For a file that turned out longer than its size says: one in `/proc`, or one that is being written. */
async function streamUnsized(file: OpenFile, window: ByteWindow): Promise<FileReading> {
  const body = await streamFrom(file, window.offset, window.limit === 0 ? Infinity : window.limit);
  return { body, discard: () => body.cancel() };
}

/** Reads on demand only; closes the file at the end, on failure, and when nobody reads on. */
async function streamFrom(
  file: OpenFile,
  offset: number,
  length: number,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  try {
    if (length > 0) await file.seek(offset, Deno.SeekMode.Start);
  } catch (error) {
    file.close();
    throw error;
  }
  let left = length;
  let reading: Promise<number | null> = Promise.resolve(null);
  let closed = false;
  const close = (): void => {
    if (!closed) file.close();
    closed = true;
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        const buffer = new Uint8Array(Math.min(CHUNK_BYTES, left));
        if (left > 0) reading = file.read(buffer);
        const count = left > 0 ? await reading : null;
        if (closed) return;
        if (count === null) {
          // Fewer bytes than announced: the file was cut meanwhile, and the reader must not take this for its end.
          if (left > 0 && left !== Infinity) throw new FileRefusedError(409, "file became shorter while it was read");
          close();
          return controller.close();
        }
        left -= count;
        controller.enqueue(buffer.subarray(0, count));
      } catch (error) {
        close();
        throw error;
      }
    },
    async cancel() {
      await reading.catch(() => {}); // Nobody is left to be told; the file must not close under a read.
      close();
    },
  }, { highWaterMark: 1 });
}
