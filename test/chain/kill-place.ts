import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BRANCH, DISTRIBUTIONS, ENGINEER, MAINTAINER, OWNER, PULL_REQUEST } from '../../scripts/demo/cast.ts';
import type { PullRequest } from '../../scripts/demo/github-client.ts';
import { type ChainPlace, openChainIn } from './chain-place.ts';

/** Everything up to the moment before something is killed, kept on disk to begin from again and again. */
export interface Beginning {
  readonly directory: string;
  readonly tree: string;
  /** The approved pull request that releases two plugins. */
  readonly release: number;
  /** The pull request that promotes what is in snapshot to staging, judged and green. */
  readonly promotion: number;
}

/** Rolls every distribution out, and opens the two pull requests that all that follows is about. */
export async function prepareBeginning(tree: string): Promise<Beginning> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-beginning-'));
  try {
    const place = await openChainIn(directory, tree);
    try {
      const storage = place.storage(MAINTAINER);
      for (const distribution of DISTRIBUTIONS) {
        await storage.dispatch('roll-out.yml', { distribution });
        await place.chain.settle();
      }
      await storage.dispatch('promote.yml', { packages: 'all', from: 'snapshot', to: 'staging' });
      await place.chain.settle();
      const [promotion] = await storage.send<PullRequest[]>('GET', '/pulls?state=open&base=staging');
      if (promotion === undefined) throw new Error('no pull request to staging was opened');
      const release = await openApproved(place);
      return { directory, tree, release, promotion: promotion.number };
    } finally {
      await place.stage.close();
    }
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function openApproved({ release, chain }: ChainPlace): Promise<number> {
  const body = { ...PULL_REQUEST, head: BRANCH, base: 'main' };
  const { number, head } = await release(ENGINEER).send<PullRequest>('POST', '/pulls', body);
  await chain.settle();
  await release(OWNER).send('POST', `/pulls/${number}/reviews`, { event: 'APPROVE', commit_id: head.sha });
  await chain.settle();
  return number;
}

/** Begins from what was prepared, in a place of its own that is gone when the scope ends. */
export async function begin({ directory, tree }: Beginning): Promise<ChainPlace> {
  const copy = await mkdtemp(join(tmpdir(), 'slipway-chain-'));
  const remove = (): Promise<void> => rm(copy, { recursive: true, force: true });
  try {
    await cp(directory, copy, { recursive: true });
    await moveRepositories(join(copy, 'github/state'), directory, copy);
    const place = await openChainIn(copy, tree);
    const close = async (): Promise<void> => {
      await place.stage.close();
      await remove();
    };
    return { ...place, [Symbol.asyncDispose]: close };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The sandbox's GitHub remembers where its repositories are, and they are elsewhere now. */
async function moveRepositories(state: string, from: string, to: string): Promise<void> {
  for (const file of await readdir(state)) {
    const path = join(state, file);
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll(from, to));
  }
}
