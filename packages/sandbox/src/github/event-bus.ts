import type { JsonObject } from './payload.ts';

/** What has happened, as far as the choice of workflows needs it; `payload` says the rest in GitHub's words. */
export type Happening =
  | { readonly name: 'push'; readonly ref: string; readonly before: string | null; readonly after: string | null }
  | {
      readonly name: 'pull_request' | 'pull_request_review';
      readonly action: string;
      readonly number: number;
      readonly headRepository: string;
      readonly headRef: string;
      readonly headSha: string;
      readonly baseRef: string;
      readonly baseSha: string;
      /** The commit that merged it, or the one of the trial merge; null where the branches conflict. */
      readonly mergeSha: string | null;
      readonly merged: boolean;
    }
  | { readonly name: 'issue_comment'; readonly action: 'created' | 'edited' | 'deleted' }
  | { readonly name: 'workflow_dispatch'; readonly path: string; readonly ref: string }
  | { readonly name: 'repository_dispatch'; readonly action: string }
  | { readonly name: 'schedule'; readonly cron: string };

/** Who made something happen. */
export interface Sender {
  readonly login: string;
  /** With a job's own token: GitHub starts no workflow then, lest workflows start each other without end. */
  readonly isJob: boolean;
}

export interface GitHubEvent {
  readonly happening: Happening;
  /** `owner/name` of the repository where it has happened. */
  readonly repository: string;
  readonly sender: Sender;
  /** The payload of the webhook. @see https://docs.github.com/en/webhooks/webhook-events-and-payloads */
  readonly payload: JsonObject;
}

export type EventListener = (event: GitHubEvent) => void;

/** Tells listeners what happens on the server, before the request that made it happen is answered. */
export class EventBus {
  readonly #listeners = new Set<EventListener>();

  /** False: nobody listens, and nobody needs to put a payload together. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Adds a listener; returns what takes it away again. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: GitHubEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
