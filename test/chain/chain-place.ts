import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BRANCH, ENGINEER, OWNER, PULL_REQUEST, REPOSITORY, STORAGE } from '../../scripts/demo/cast.ts';
import { Chain } from '../../scripts/demo/chain.ts';
import { GitHubClient, type PullRequest } from '../../scripts/demo/github-client.ts';
import { Progress } from '../../scripts/demo/progress.ts';
import { type Stage, setStage } from '../../scripts/demo/stage.ts';

interface Person {
  readonly token: string;
}

/** The two example repositories with their workflows at work, on servers of their own; gone when the scope ends. */
export interface ChainPlace extends AsyncDisposable {
  readonly stage: Stage;
  readonly chain: Chain;
  /** Everything that was printed by jobs, masked as GitHub shows it. */
  readonly lines: readonly string[];
  readonly release: (person: Person) => GitHubClient;
  readonly storage: (person: Person) => GitHubClient;
}

/** Sets the demo's stage in a temporary directory; `tree` holds the assembled actions. */
export async function openChain(tree: string): Promise<ChainPlace> {
  const directory = await mkdtemp(join(tmpdir(), 'chain-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const place = await openChainIn(directory, tree);
    return {
      ...place,
      [Symbol.asyncDispose]: async () => {
        await place[Symbol.asyncDispose]();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Sets the demo's stage in a directory, which stays when the scope ends. */
export async function openChainIn(directory: string, tree: string): Promise<ChainPlace> {
  const lines: string[] = [];
  const progress = new Progress((line) => lines.push(line));
  const stage = await setStage(directory, tree, progress, (line) => lines.push(line));
  const api = `${stage.sandbox.github.apiUrl}/repos`;
  return {
    stage,
    chain: new Chain(stage.workflows, progress),
    lines,
    release: ({ token }) => new GitHubClient(`${api}/${REPOSITORY}`, token),
    storage: ({ token }) => new GitHubClient(`${api}/${STORAGE}`, token),
    [Symbol.asyncDispose]: () => stage.close(),
  };
}

/** Opens the demo's pull request as the engineer, and approves its head as the owner. */
export async function openApproved(place: ChainPlace): Promise<PullRequest> {
  const body = { ...PULL_REQUEST, head: BRANCH, base: 'main' };
  const pull = await place.release(ENGINEER).send<PullRequest>('POST', '/pulls', body);
  await place.chain.settle();
  const review = { event: 'APPROVE', commit_id: pull.head.sha };
  await place.release(OWNER).send('POST', `/pulls/${pull.number}/reviews`, review);
  return pull;
}
