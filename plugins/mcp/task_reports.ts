/**
 * Puts in order what is reported about the tasks of workspace apps, and leaves out what says nothing new.
 *
 * @module
 */
import type { TaskReporter, TaskState } from "../agentsocket/service.ts";

/** Reports of one app that may wait for their turn. A watcher that runs wild must not fill the memory. */
const MAX_WAITING = 512;
/** Apps whose last report is remembered. A workspace has a handful. */
const MAX_APPS = 256;

/** Something about a task that may be worth a report. */
export interface TaskEvent {
  readonly state: TaskState;
  /** One line; `""` keeps what was last said. */
  readonly summary: string;
  /** `""` for none; together with an empty summary, the last one. */
  readonly link: string;
  /** Who says so: the agent that does the task, its screen that moves or stands still, or a message of its user. */
  readonly origin: "agent" | "screen" | { readonly userMessage: number };
}

/** A new report could not be taken because too many wait. Retry once some were delivered. */
export class TaskReportsFullError extends Error {
  override readonly name = "TaskReportsFullError";
  readonly code = "task_reports_full";

  constructor(readonly slug: string) {
    super(`Cannot report on the task of app "${slug}": ${MAX_WAITING} reports wait for the control plane already`);
  }
}

/** Reports of all apps. Each app's are delivered one after the other, in the order they came. */
export class TaskReports {
  readonly #tasks: TaskReporter;
  readonly #apps = new Map<string, AppReports>();

  constructor(tasks: TaskReporter) {
    this.#tasks = tasks;
  }

  /**
   * Resolves when the report was delivered: `true`, or when there was nothing new to tell: `false`. A report that failed
   * counts as never said, so that the same one can be tried again.
   *
   * @throws {TaskReportsFullError} When 512 reports of the app wait.
   * @throws What the reporter throws.
   */
  async report(slug: string, event: TaskEvent): Promise<boolean> {
    return await this.#of(slug).add(event);
  }

  #of(slug: string): AppReports {
    const known = this.#apps.get(slug);
    if (known !== undefined) return known;
    if (this.#apps.size >= MAX_APPS) this.#forgetOldest();
    const app = new AppReports(
      slug,
      ({ state, summary, link }) => this.#tasks.report({ slug, state, message: summary, uri: link }),
    );
    this.#apps.set(slug, app);
    return app;
  }

  #forgetOldest(): void {
    const slugs = [...this.#apps.keys()];
    this.#apps.delete(slugs.find((slug) => this.#apps.get(slug)!.isIdle) ?? slugs[0]!);
  }
}

class AppReports {
  readonly #slug: string;
  readonly #send: (event: TaskEvent) => Promise<void>;
  #last: TaskEvent | undefined;
  #lastUserMessage = -Infinity;
  #waiting = 0;
  #previous: Promise<unknown> = Promise.resolve();

  constructor(slug: string, send: (event: TaskEvent) => Promise<void>) {
    this.#slug = slug;
    this.#send = send;
  }

  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  async add(event: TaskEvent): Promise<boolean> {
    if (this.#waiting >= MAX_WAITING) throw new TaskReportsFullError(this.#slug);
    this.#waiting++;
    const turn = this.#previous.then(() => this.#deliver(event)).finally(() => this.#waiting--);
    // The caller learns of a failure; the next report goes on all the same.
    this.#previous = turn.catch(() => {});
    return await turn;
  }

  async #deliver(event: TaskEvent): Promise<boolean> {
    const report = this.#worthTelling(event);
    if (report === undefined) return false;
    await this.#send(report);
    this.#last = report;
    if (typeof event.origin === "object") this.#lastUserMessage = event.origin.userMessage;
    return true;
  }

  /** The rules of Coder's task reports; a screen's word counts less than that of the agent or the user. */
  #worthTelling(event: TaskEvent): TaskEvent | undefined {
    const last = this.#last;
    const { origin } = event;
    // A watcher that connects again hears old messages once more.
    if (typeof origin === "object" && origin.userMessage <= this.#lastUserMessage) return undefined;
    // A screen also moves while its user types: only as the very first sign does that mean that work has begun.
    if (origin === "screen" && event.state === "working" && last !== undefined) return undefined;
    const report = event.summary === ""
      ? { ...event, summary: last?.summary ?? "", link: event.link || (last?.link ?? "") }
      : event;
    const isRepeated = report.state === last?.state && report.summary === last.summary && report.link === last.link;
    return isRepeated ? undefined : report;
  }
}
