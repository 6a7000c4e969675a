/**
 * As much of the ELF format as finding the end of an executable takes.
 *
 * @module
 */

/** Bytes of the 64-bit header read here. */
export const ELF_HEADER_BYTES = 64;

/**
 * Where a 64-bit little-endian ELF file ends, in bytes: behind its section header table, which linkers write last.
 * Whatever follows was appended later.
 *
 * @param header The first {@linkcode ELF_HEADER_BYTES} bytes of the file.
 * @throws {SyntaxError} If the header is that of another format.
 * @see ELF-64 Object File Format, version 1.5: `e_shoff`, `e_shentsize`, `e_shnum`
 */
export function elfEnd(header: Uint8Array): number {
  const magic = [0x7f, 0x45, 0x4c, 0x46, /* 64 bit */ 2, /* little endian */ 1];
  if (header.length < ELF_HEADER_BYTES || magic.some((byte, at) => header[at] !== byte)) {
    throw new SyntaxError("Cannot read the ELF header: expected a 64-bit little-endian executable");
  }
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return Number(view.getBigUint64(0x28, true)) + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
}
