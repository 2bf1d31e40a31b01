import type { ActionsHost, DispatchRequest, WorkflowRun } from '../github/actions-host.ts';
import { announce, eventPayload } from '../github/announce.ts';
import type { GitHubEvent, Sender } from '../github/event-bus.ts';
import type { HostedRepository } from '../github/hosted-repository.ts';
import type { JsonObject } from '../github/payload.ts';
import type { Site } from '../github/site.ts';
import { workflowFiles } from '../github/workflow-files.ts';
import type { Killer, WorkflowRunResult } from '../runner/run-workflow.ts';
import { readDispatch } from './dispatch.ts';
import { occasionsOf } from './occasion.ts';
import type { ActionsService, ActionsServiceOptions, IgnoredEvent } from './options.ts';
import { Run } from './run.ts';
import { RunExecution } from './run-execution.ts';
import { type Selected, selectWorkflows } from './selection.ts';
import { readHead } from './triggers.ts';

/**
 * Starts what runs the workflows of a GitHub: it hears of every event, chooses workflows as GitHub does, and runs them
 * with tokens of their own.
 *
 * @see https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/trigger-a-workflow
 */
export function startActionsService(options: ActionsServiceOptions): ActionsService {
  return new Service(options);
}

class Service implements ActionsService, ActionsHost {
  readonly runs: Run[] = [];
  readonly ignored: IgnoredEvent[] = [];
  readonly #site: Site;
  readonly #now: () => Date;
  readonly #execution: RunExecution;
  readonly #names: ReadonlySet<string>;
  readonly #underWay = new Set<Promise<void>>();
  readonly #numbers = new Map<string, number>();
  readonly #ended = new Map<number, WorkflowRunResult>();
  readonly #unsubscribe: () => void;
  #events: Promise<void> = Promise.resolve();
  readonly #faults: unknown[] = [];
  #isClosed = false;

  constructor(options: ActionsServiceOptions) {
    const { github, repositories } = options;
    this.#site = github.site;
    this.#now = options.now ?? github.site.now;
    this.#execution = new RunExecution(options, this.#now);
    this.#names = new Set(Object.keys(repositories).map((name) => name.toLowerCase()));
    for (const [name, { environments = {} }] of Object.entries(repositories)) {
      for (const [environment, settings] of Object.entries(environments)) {
        github.setEnvironment(name, environment, settings);
      }
    }
    this.#unsubscribe = github.onEvent((event) => this.#hear(event));
    this.#site.actions = this;
  }

  setKiller(killer: Killer | undefined): void {
    this.#execution.killer = killer;
  }

  /** Events are looked at one after the other, so that runs start in the order of what has happened. */
  #hear(event: GitHubEvent): void {
    const repository = this.#site.find(event.repository);
    // A dispatch has started its run already.
    if (repository === undefined || event.happening.name === 'workflow_dispatch') return;
    if (!this.#names.has(event.repository.toLowerCase())) return;
    this.#events = this.#events
      .then(() => this.#handle(repository, event))
      .catch((error: unknown) => {
        this.#faults.push(error);
      });
    this.#track(this.#events);
  }

  async #handle(repository: HostedRepository, event: GitHubEvent): Promise<void> {
    const { happening, sender } = event;
    const occasions = await occasionsOf(repository, event);
    const selected = (await Promise.all(occasions.map((each) => selectWorkflows(repository, each)))).flat();
    if (sender.isJob && happening.name !== 'repository_dispatch') {
      if (selected.length > 0) this.ignored.push(ignoredEvent(event, selected));
      return;
    }
    for (const each of selected) this.#start(repository, each, event.payload, sender);
  }

  #start(
    repository: HostedRepository,
    selected: Selected,
    payload: JsonObject,
    sender: Sender,
    inputs: Readonly<Record<string, unknown>> = {},
  ): Run {
    const key = `${repository.fullName}/${selected.file.path}`;
    const number = (this.#numbers.get(key) ?? 0) + 1;
    this.#numbers.set(key, number);
    const id = this.#site.accounts.nextId();
    const origin = { id, number, suite: repository.nextId(), selected, payload, actor: sender.login, inputs };
    const run = new Run(repository, origin, this.#now());
    this.runs.push(run);
    this.#execute(run);
    return run;
  }

  #execute(run: Run): void {
    if (this.#isClosed) {
      run.end('cancelled', this.#now());
      return;
    }
    this.#track(
      this.#execution.execute(run).then((result) => {
        if (result === undefined) this.#ended.delete(run.id);
        else this.#ended.set(run.id, result);
      }),
    );
  }

  #track(work: Promise<void>): void {
    this.#underWay.add(work);
    const forget = (): void => {
      this.#underWay.delete(work);
    };
    work.then(forget, forget);
  }

  async dispatch(repository: HostedRepository, request: DispatchRequest, sender: Sender): Promise<WorkflowRun> {
    const { selected, inputs } = await readDispatch(repository, request);
    const happening = { name: 'workflow_dispatch', path: selected.file.path, ref: selected.occasion.ref } as const;
    const given = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, String(value)]));
    const fields = { inputs: given, ref: happening.ref, workflow: happening.path };
    const payload = await eventPayload(this.#site, repository, sender, happening, fields);
    this.#site.events.emit({ happening, repository: repository.fullName, sender, payload });
    return this.#start(repository, selected, payload, sender, inputs);
  }

  runsOf(repository: string): readonly WorkflowRun[] {
    return this.runs.filter((run) => run.repository.toLowerCase() === repository.toLowerCase());
  }

  cancel(id: number): boolean {
    const run = this.runs.find((each) => each.id === id);
    if (run === undefined || run.status === 'completed') return false;
    run.abort.abort();
    return true;
  }

  rerun(id: number, failedOnly: boolean, sender: Sender): boolean {
    const run = this.runs.find((each) => each.id === id);
    if (run === undefined || run.status !== 'completed') return false;
    run.again(sender.login, failedOnly ? this.#ended.get(id) : undefined, this.#now());
    this.#execute(run);
    return true;
  }

  async tick(fullName: string, cron?: string): Promise<void> {
    const repository = this.#site.find(fullName);
    if (repository === undefined) throw new Error(`there is no repository ${fullName}`);
    // GitHub names whoever has last changed the schedule; here that is always the owner.
    const sender: Sender = { login: repository.record.owner, isJob: false };
    const crons = cron === undefined ? await scheduleOf(repository) : [cron];
    for (const each of crons) {
      await announce(this.#site, repository, sender, { name: 'schedule', cron: each }, () => ({ schedule: each }));
    }
  }

  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
    const faults = this.#faults.splice(0);
    if (faults.length > 0) throw new AggregateError(faults, 'the actions service could not look at every event');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    if (this.#site.actions === this) this.#site.actions = undefined;
    for (const run of this.runs) run.abort.abort();
    await this.idle();
    await this.#execution.close();
  }
}

function ignoredEvent({ happening, repository, sender }: GitHubEvent, selected: readonly Selected[]): IgnoredEvent {
  return {
    repository,
    event: happening.name,
    action: 'action' in happening ? happening.action : undefined,
    actor: sender.login,
    workflows: selected.map(({ file }) => file.path),
  };
}

/** Every time at which some workflow of the default branch is due. */
async function scheduleOf({ git }: HostedRepository): Promise<string[]> {
  const trunk = await git.branch(await git.defaultBranch());
  const files = trunk === undefined ? [] : await workflowFiles(git, trunk);
  const crons = files.flatMap(({ path, text }) => {
    try {
      return readHead(text, path).triggers.get('schedule')?.crons ?? [];
    } catch {
      // A file that cannot be read has no times.
      return [];
    }
  });
  return [...new Set(crons)];
}
