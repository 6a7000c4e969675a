/**
 * Settings of the process plugin.
 *
 * @module
 */
import { z } from "zod";

import { resourceLimits } from "../../core/config/resource_limits.ts";
import type { ResourceLimits } from "../../core/plugin.ts";

/** Settings of the process plugin. Every limit keeps one careless command from taking the agent's memory with it. */
export interface AgentprocConfig {
  /** Most processes alive at once; further starts are refused with 429. */
  readonly maxProcesses: number;
  /** Bytes kept from the start of each process's output, for the view a model gets. */
  readonly headBytes: number;
  /** Bytes kept from the end of each process's output, for the view a model gets. */
  readonly tailBytes: number;
  /** Longest line in that view, in bytes. */
  readonly maxLineBytes: number;
  /** Latest bytes of each output stream kept for readers of the stream route. */
  readonly streamBytes: number;
  /** Stream bytes of exited processes kept in all; the oldest give theirs back first. */
  readonly retainedBytes: number;
  /** Milliseconds after its exit until a process is forgotten. */
  readonly forgetAfterMs: number;
  /** Most exited processes remembered; the oldest are forgotten first. */
  readonly maxExited: number;
  /** Most processes in one list. */
  readonly listLimit: number;
  /** Longest wait of `output?wait=true`, in milliseconds. */
  readonly waitMs: number;
  /** Milliseconds that a process started with `hold_output` waits for a reader when none is there. */
  readonly readerGraceMs: number;
  /** Milliseconds between SIGTERM and SIGKILL when the agent drains. */
  readonly terminateMs: number;
  /** What each process may use with everything it starts, beside what its request and the agent's own section say. */
  readonly limits: ResourceLimits;
}

const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** Strict: an unknown key is an error with its path. */
export const agentprocConfig: z.ZodType<AgentprocConfig> = z.strictObject({
  maxProcesses: z.number().int().min(1).default(128).describe("Most processes alive at once; further starts get 429."),
  headBytes: z.number().int().min(0).max(MEBIBYTE).default(16 * KIBIBYTE)
    .describe("Bytes kept from the start of each output, for the view a model gets."),
  tailBytes: z.number().int().min(0).max(MEBIBYTE).default(16 * KIBIBYTE)
    .describe("Bytes kept from the end of each output, for the view a model gets."),
  maxLineBytes: z.number().int().min(64).default(2 * KIBIBYTE).describe("Longest line in that view, in bytes."),
  streamBytes: z.number().int().min(0).max(64 * MEBIBYTE).default(MEBIBYTE)
    .describe("Latest bytes of each output stream kept for readers of the stream route."),
  retainedBytes: z.number().int().min(0).default(64 * MEBIBYTE)
    .describe("Stream bytes of exited processes kept in all; the oldest give theirs back first."),
  forgetAfterMs: z.number().int().min(0).default(5 * MINUTE_MS)
    .describe("Milliseconds after its exit until a process is forgotten."),
  maxExited: z.number().int().min(0).default(1024).describe("Most exited processes remembered; the oldest go first."),
  listLimit: z.number().int().min(1).default(10).describe("Most processes in one list."),
  waitMs: z.number().int().min(0).default(5 * MINUTE_MS).describe("Longest wait of output?wait=true, in milliseconds."),
  readerGraceMs: z.number().int().min(0).default(10 * SECOND_MS)
    .describe("Milliseconds that a process started with hold_output waits for a reader when none is there."),
  terminateMs: z.number().int().min(0).max(MINUTE_MS).default(2 * SECOND_MS)
    .describe("Milliseconds between SIGTERM and SIGKILL when the agent drains."),
  limits: resourceLimits.prefault({}).describe(
    "What each process may use with everything it starts; a request and the agent section can only be tighter.",
  ),
});
