/** Resolves after `ms` of real time. Plugins use `ctx.clock.sleep` instead. */
export declare function delay(ms: number, options?: { signal?: AbortSignal; persistent?: boolean }): Promise<void>;
