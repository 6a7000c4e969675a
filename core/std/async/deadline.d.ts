/** Rejects with a `TimeoutError` when `promise` takes longer than `ms`. */
export declare function deadline<T>(promise: Promise<T>, ms: number, options?: { signal?: AbortSignal }): Promise<T>;
