/**
 * `outpost audit-verify`.
 *
 * @module
 */
import type { CommandContext } from "@outpost/agent";
import { checkTrail } from "../chain.ts";

/** Follows the chain, and looks for each hash that was kept elsewhere. */
export async function auditVerify({ args, out, err }: CommandContext): Promise<number> {
  const [directory, ...hashes] = args;
  if (directory === undefined) {
    await err("Name the directory of the trail: audit-verify DIRECTORY [HASH...]\n");
    return 2;
  }
  const { broken, files, records, first, head, missing } = await checkTrail(directory, hashes);
  if (broken !== undefined) {
    await err(`Broken in ${broken.file}, line ${broken.line}: ${broken.why}\n`);
    return 1;
  }
  if (missing.length > 0) {
    await err(`Another chain: it has no record ${missing.join(", ")}\n`);
    return 1;
  }
  const from = first === undefined || first === 1 ? "" : `, from record ${first} on`;
  await out(`${records} records in ${files} files${from}; head ${head?.hash ?? "none"}\n`);
  return 0;
}
