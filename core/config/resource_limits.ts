/**
 * Limits of commands as the configuration and requests name them.
 *
 * @module
 */
import { z } from "zod";

import type { ResourceLimits } from "../plugin.ts";

/** Less does not even start a shell. In bytes. */
const MIN_MEMORY_BYTES = 1024 * 1024;
/** Standard streams and a few files of the program. */
const MIN_OPEN_FILES = 8;

/** Strict schema of {@linkcode ResourceLimits}. */
export const resourceLimits: z.ZodObject<
  { [K in keyof Required<ResourceLimits>]: z.ZodOptional<z.ZodNumber> },
  z.core.$strict
> = z.strictObject({
  memoryBytes: z.number().int().min(MIN_MEMORY_BYTES).optional().describe(
    "Memory of one command, in bytes; the kernel kills who needs more. Without a writable control group: address space of each process.",
  ),
  cpus: z.number().min(0.01).optional().describe(
    "Processor time of one command, in processors: 0.5 is half of one. Needs a writable control group.",
  ),
  openFiles: z.number().int().min(MIN_OPEN_FILES).optional().describe(
    "Files open at once in each process of a command.",
  ),
});
