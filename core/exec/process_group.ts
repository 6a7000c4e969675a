/**
 * One process group: who is left of it, and signalling it without hitting a stranger.
 *
 * @module
 */

import { type GroupMembers, livingGroupMembers } from "./group_members.ts";

/**
 * A group whose leader this agent started, in a session of its own.
 *
 * The kernel does not give the leader's number to a new process while the group or the session has a member. So after the
 * leader's end the number still names the group, unless the group died out and the number came round again: then there is a
 * process with that number, or none of the members lies in the old session. Both are looked at before a signal is sent.
 */
export class ProcessGroup {
  #leaderAlive = true;
  #killed = false;

  constructor(readonly pid: number) {}

  /** Number of the session that the leader began, as long as it cannot have been given to somebody else. */
  get session(): number | undefined {
    return this.#leaderAlive || !exists(this.pid) ? this.pid : undefined;
  }

  /** Whether SIGKILL was sent from here, so that an end by it needs no other cause. */
  get killed(): boolean {
    return this.#killed;
  }

  /** To be called when the leader's end has been seen. */
  leaderExited(): void {
    this.#leaderAlive = false;
  }

  /**
   * Sends a signal to every member.
   *
   * @param members What {@linkcode livingGroupMembers} said just now, for those who signal many groups.
   * @returns `false` when nobody living is left.
   * @throws {Deno.errors.PermissionDenied} When none of the members may be signalled, because they changed their user.
   */
  kill(signal: Deno.Signal, members?: GroupMembers): boolean {
    if (signal === "SIGKILL") this.#killed = true;
    if (!this.#leaderAlive) return this.hasMembers(members) && send(-this.pid, signal);
    if (send(-this.pid, signal)) return true;
    // A child is started and then makes itself a leader: before that only its own number is known. If it got there in the
    // meantime and has children already, the second signal to the group reaches them.
    if (!send(this.pid, signal)) return false;
    send(-this.pid, signal);
    return true;
  }

  /** Whether somebody living is left, the leader included. Reads `/proc` once the leader is gone, unless `members` is given. */
  hasMembers(members?: GroupMembers): boolean {
    if (this.#leaderAlive) return true;
    return this.mayHaveMembers() && (members ?? livingGroupMembers())?.has(this.pid) !== false;
  }

  /** Like {@linkcode hasMembers}, with one system call: `true` also while only zombies are left. */
  mayHaveMembers(): boolean {
    return this.#leaderAlive || (groupExists(this.pid) && !exists(this.pid));
  }
}

function send(target: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(target, signal);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether a group with this number has a member, a zombie included. One system call. */
export function groupExists(group: number): boolean {
  return exists(-group);
}

/** kill(2): signal 0 only checks; EPERM means that there is somebody. */
function exists(target: number): boolean {
  try {
    Deno.kill(target, 0 as unknown as Deno.Signal);
    return true;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied;
  }
}
