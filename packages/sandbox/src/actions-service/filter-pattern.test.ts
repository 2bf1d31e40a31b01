import { expect, it } from 'vitest';
import { passes } from './filter-pattern.ts';

/** @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet */
it.each([
  ['feature/*', ['feature/my-branch'], ['feature/beta-a/my-branch', 'feature']],
  ['feature/**', ['feature/beta-a/my-branch', 'feature/mona/the/octocat'], ['main']],
  ['*', ['main', 'releases'], ['all/the/branches']],
  ['**', ['all/the/branches', 'every/tag'], []],
  ['*feature', ['mona-feature', 'feature'], ['feature-mona']],
  ['v2*', ['v2', 'v2.0', 'v2.9'], ['v1']],
  ['v[12].[0-9]+.[0-9]+', ['v1.10.1', 'v2.0.0'], ['v3.0.0', 'v1.x.0']],
  ['*.jsx?', ['page.js', 'page.jsx'], ['page.ts', 'a/page.js']],
  ['**.js', ['index.js', 'js/index.js', 'src/js/app.js'], ['index.ts']],
  ['docs/**/*.md', ['docs/README.md', 'docs/mona/hello-world.md'], ['README.md']],
  ['**/docs/**', ['docs/hello.md', 'dir/docs/my-file.txt'], ['docs']],
  ['**/*src/**', ['a/src/app.js', 'my-src/code/js/app.js'], ['src']],
  ['a.b', ['a.b'], ['axb']],
  ['release-\\*', ['release-*'], ['release-1']],
])('%s', (pattern, matching, others) => {
  expect(matching.filter((name) => !passes(name, [pattern]))).toEqual([]);
  expect(others.filter((name) => passes(name, [pattern]))).toEqual([]);
});

it('takes the last pattern that says something', () => {
  const patterns = ['releases/**', '!releases/**-alpha', 'releases/kept-alpha'];
  const names = ['releases/10', 'releases/beta/3-alpha', 'releases/kept-alpha', 'main'];
  expect(names.filter((name) => passes(name, patterns))).toEqual(['releases/10', 'releases/kept-alpha']);
  expect(passes('a', ['!b'])).toBe(false);
});
