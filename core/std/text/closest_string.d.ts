/** The entry of `possible` with the smallest edit distance to `given`. @throws {TypeError} If `possible` is empty. */
export declare function closestString(
  given: string,
  possible: readonly string[],
  options?: { caseSensitive?: boolean },
): string;
