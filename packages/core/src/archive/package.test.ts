import { describe, expect, it } from 'vitest';
import { contentOf, readAll, sha256 } from '../util/content.ts';
import { assemblePackage, type PackageContent, type PackageContents } from './package.ts';

const contents: PackageContents = {
  prefix: 'acme-',
  plugin: 'web',
  version: 'v1.0.0',
  yaml: Buffer.from('spec: {}\n'),
  archives: [
    { name: 'web', content: contentOf('an archive'), composition: sha256('what it is made of') },
    { name: 'agent', content: contentOf('another'), composition: sha256('something else') },
  ],
};

const digest = async ({ size, open }: PackageContent): Promise<string> => sha256(await readAll(open(), size));

describe('a package', () => {
  it('of the same composition has the same bytes: change one, and FORMAT has to change the other', async () => {
    const made = assemblePackage(contents);
    expect([await digest(made), made.composition]).toMatchInlineSnapshot(`
      [
        "f1e8bc2eda074a2b948b00dae64b6397bb23fbf01390b7fc52e6912078d16afe",
        "b9b38a740289f73944dbcc79839b0a0f4fcedef67904b1f634b7f63f3962e6f0",
      ]
    `);
  });

  it('has another composition for everything that its bytes follow from', () => {
    const [web, agent] = contents.archives;
    if (web === undefined || agent === undefined) throw new Error('no archives');
    const others: PackageContents[] = [
      contents,
      { ...contents, prefix: 'other-' },
      { ...contents, plugin: 'other' },
      { ...contents, version: 'v1.0.1' },
      { ...contents, yaml: Buffer.from('spec: { }\n') },
      { ...contents, archives: [web] },
      { ...contents, archives: [agent, { ...web, composition: agent.composition }] },
      { ...contents, archives: [agent, { ...web, name: 'other' }] },
    ];
    const compositions = others.map((other) => assemblePackage(other).composition);
    expect(new Set(compositions).size).toBe(others.length);
    expect(assemblePackage({ ...contents, archives: [agent, web] }).composition).toBe(compositions[0]);
  });
});
