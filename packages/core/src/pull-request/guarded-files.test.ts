import { expect, it } from 'vitest';
import { listGuardedFiles } from './guarded-files.ts';

const list = (...paths: string[]) =>
  listGuardedFiles(
    paths.map((path) => ({ status: 'added' as const, path })),
    'ci/slipway.yaml',
  );

it.each([
  '.github/workflows/x.yml',
  '.GitHub/x',
  // What stands in the place of a directory: a file, a link, a submodule.
  '.github',
  '.GITHUB',
  'ci',
  'ci/slipway.yaml',
  'CI/Slipway.yaml',
  'OWNERS',
  'a/b/owners',
  'OWNERS_ALIASES',
  'docs/CODEOWNERS',
])('guards %s', (path) => expect(list(path, 'README.md')).toEqual([path]));

it.each(['.githubx', '.github.md', 'a/.github', 'ci2', 'ci/other.yaml', 'c', 'OWNERS.md'])('lets %s be', (path) => {
  expect(list(path)).toEqual([]);
});

it('sees where a file was that is called otherwise now', () => {
  const moved = { status: 'renamed', path: 'x.yaml', previousPath: '.github/slipway.yaml' } as const;
  expect(listGuardedFiles([moved], '.github/slipway.yaml')).toEqual(['.github/slipway.yaml']);
});
