/**
 * Pictures in the format that was asked for.
 *
 * PNG of pixels is written here. Everything else is ImageMagick's, in a process of its own: JPEG and WebP of a whole screen take
 * hundreds of milliseconds, which the agent's only thread has no business spending.
 *
 * @module
 */
import { HttpProblem } from "../../../core/errors.ts";
import { findInPath } from "../../../core/exec/program.ts";
import type { Env, Exec } from "../../../core/plugin.ts";
import type { Rectangle } from "../driver.ts";
import { OutputTail } from "../output_tail.ts";
import type { EncodedPicture, Picture, Size } from "./picture.ts";

/** Formats of screenshots. */
export type ImageFormat = "png" | "jpeg" | "webp";

/** How to encode. */
export interface EncodeOptions {
  readonly format: ImageFormat;
  /** 1 to 100, for JPEG and WebP. */
  readonly quality: number;
  /** Ends the work. */
  readonly signal: AbortSignal;
  readonly exec: Exec;
  readonly env: Env;
}

/** ImageMagick 7 and 6. */
const PROGRAMS = ["magick", "convert"];

/** Encodes a picture. @throws {HttpProblem} 501 when it takes ImageMagick and there is none. */
export async function encodePicture(
  picture: Picture | EncodedPicture,
  options: EncodeOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  if (options.format === "png" && picture.kind === "png") return picture.bytes;
  if (options.format === "png" && picture.kind === "pixels") {
    return await (await import("./png.ts")).encodePng(picture, options.signal);
  }
  return await convert(picture, ["-quality", String(options.quality)], options);
}

/** Cuts a part out of an encoded picture and brings it to a size, as PNG. Areas of pixels are cheaper to take apart before. */
export async function cutOut(
  picture: EncodedPicture,
  { x, y, width, height }: Rectangle,
  target: Size,
  options: Omit<EncodeOptions, "format" | "quality">,
): Promise<EncodedPicture> {
  const steps = ["-crop", `${width}x${height}+${x}+${y}`, "+repage", "-resize", `${target.width}x${target.height}!`];
  const bytes = await convert(picture, steps, { ...options, format: "png" });
  return { kind: "png", ...target, bytes };
}

async function convert(
  picture: Picture | EncodedPicture,
  steps: readonly string[],
  { format, signal, exec, env }: Omit<EncodeOptions, "quality">,
): Promise<Uint8Array<ArrayBuffer>> {
  const { PATH = "" } = await env.build();
  const program = PROGRAMS.find((name) => findInPath(name, PATH) !== undefined);
  if (program === undefined) {
    throw new HttpProblem(501, `Cannot make this picture: neither ${PROGRAMS.join(" nor ")} was found`, {
      code: "desktop_format_unavailable",
      detail: "install the package imagemagick, or ask for a PNG of the whole screen",
    });
  }
  const input = picture.kind === "png"
    ? ["png:-"]
    : ["-size", `${picture.width}x${picture.height}`, "-depth", "8", "rgb:-"];
  const child = await exec.spawn({
    command: [program, ...input, ...steps, `${format}:-`],
    stdin: "piped",
    output: "separate",
    signal,
  });
  const complaints = new OutputTail(child.errors!);
  const output = new Response(child.output).bytes();
  output.catch(() => {}); // Told below, after the exit has.
  try {
    const writer = child.stdin!.getWriter();
    await writer.write(picture.kind === "png" ? picture.bytes : picture.rgb);
    await writer.close();
  } catch {
    // It ended early; its exit code says why.
  }
  const { code } = await child.exited;
  signal.throwIfAborted();
  await complaints.done;
  if (code !== 0) throw new Error(`${program} ended with ${code}${complaints.afterwards}`);
  return await output;
}
