import { expect, it } from 'vitest';
import { readCommands } from './commands.ts';
import { type Request, readRequests } from './request.ts';

const read = (text: string): Request[] => readRequests(readCommands(text), 'acme');

it.each<[string, Request[]]>([
  ['/kind release', [{ wants: 'kind', kind: 'release' }]],
  ['/KIND Release', [{ wants: 'kind', kind: 'release' }]],
  ['/kind need-kind', []],
  ['/queue need-queue', [{ wants: 'withdrawal' }]],
  ['/queue working-image-pushed', [{ wants: 'release' }]],
  ['/cc @lin-wei, ada @acme/team', [{ wants: 'reviews', users: ['lin-wei', 'ada'], teams: ['team'] }]],
  ['/lgtm\n/hold cancel', []],
])('%j', (text, requests) => expect(read(text)).toEqual(requests));

it.each([
  ['/kind', 'Known: release'],
  ['/kind reelase', 'Did you mean /kind release?'],
  ['/queue need-que', 'Did you mean /queue need-queue?'],
  ['/queue need-queue working-image-pushed', 'one at a time'],
  ['/cc', '(nothing)'],
  ['/cc @<plugin-owner>', 'Not so'],
])('%j is refused', (text, answer) => {
  expect(read(text)).toEqual([{ wants: 'nothing', problem: expect.stringContaining(answer) }]);
});

it('asks those who can be asked, and says who cannot', () => {
  expect(read('/cc @ada @other/team').map(({ wants }) => wants)).toEqual(['reviews', 'nothing']);
});
