import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { setRegistryVersion } from './registry-version-edit.ts';
import { readRegistryBase } from './registry-version-places.ts';

const FILE = 'staging:Dockerfile';
const OLD_DIGEST = `sha256:${'b'.repeat(64)}`;
const DIGEST = `sha256:${'a'.repeat(64)}`;
const BASE = 'host.example.com/package-registry';

/** Sets v2.0.0, and says which images were asked for. */
async function edit(source: string, version = 'v2.0.0') {
  const asked: string[] = [];
  const text = await setRegistryVersion(source, FILE, version, async (reference) => {
    asked.push(reference);
    return DIGEST;
  });
  return { text, asked };
}

function versionsOf(source: string): string[] {
  return readRegistryBase(source, FILE)?.versions.map(({ place, value }) => `${place} ${value}`) ?? [];
}

/** What is written as `<old>` is set, what is written as it is stays. */
async function expectEdit(marked: string, asked = [`${BASE}:v2.0.0`]): Promise<void> {
  const source = marked.replaceAll(/<([^<>]+)>/g, '$1');
  const expected = marked.replaceAll(/<sha256[^<>]+>/g, DIGEST).replaceAll(/<[^<>]+>/g, 'v2.0.0');
  expect(await edit(source)).toEqual({ text: expected, asked });
  expect((await edit(expected)).text).toBe(expected);
}

describe('a Dockerfile', () => {
  it('that names the version once is changed in its ARG', async () => {
    const source = [
      '# syntax=docker/dockerfile:1',
      'ARG PACKAGE_REGISTRY=v1.15.0',
      'FROM registry.example.com/distribution:production AS production',
      'FROM registry.example.com/package-registry:${PACKAGE_REGISTRY}',
      'LABEL package-registry=${PACKAGE_REGISTRY}',
      'COPY --from=production /packages/production /packages/production',
      '',
    ].join('\n');
    expect(readRegistryBase(source, FILE)?.image).toBe('registry.example.com/package-registry');
    expect(versionsOf(source)).toEqual(['ARG v1.15.0', 'FROM v1.15.0', 'LABEL v1.15.0']);
    expect((await edit(source, 'v1.16.0')).text).toBe(source.replace('v1.15.0', 'v1.16.0'));
    expect((await edit(source, 'v1.15.0')).text).toBe(source);
  });

  it.each([
    ['FROM alone', `FROM ${BASE}:<v1.0.0>\n`],
    [
      'a FROM that differs from its ARG',
      `ARG PACKAGE_REGISTRY="<v1.0.0>"\r\nfrom --platform=linux/amd64 ${BASE}:<v0.21.0> as base\r\n`,
    ],
    [
      'a digest that is pinned',
      `ARG PACKAGE_REGISTRY=<v1.0.0> # why\nFROM ${BASE}:$PACKAGE_REGISTRY@<${OLD_DIGEST}>\n`,
    ],
    ['a label in quotes', `FROM ${BASE}:<v1.0.0>\nLABEL a=b "package-registry"="<v0.21.0>" c=d\n`],
    [
      'an ARG before and one after FROM',
      `ARG PACKAGE_REGISTRY=<v1.0.0>\nFROM ${BASE}:\${PACKAGE_REGISTRY}\nARG PACKAGE_REGISTRY=<v1.0.0>\nLABEL package-registry=\${PACKAGE_REGISTRY}\n`,
    ],
    [
      'an ARG and a label in another stage',
      `ARG PACKAGE_REGISTRY=<v1.0.0>\nFROM a.example.com/b:c AS tools\nARG PACKAGE_REGISTRY=<v0.9.0>\nLABEL package-registry=$PACKAGE_REGISTRY\nFROM ${BASE}:$PACKAGE_REGISTRY\n`,
    ],
    [
      'the labels of an earlier and of the last stage',
      `FROM a.example.com/b:c AS tools\nLABEL package-registry=<v0.9.0>\nFROM ${BASE}:<v1.0.0>\nLABEL package-registry=<v1.0.0>\n`,
    ],
    [
      'a label on a continued line, among comments',
      `FROM ${BASE}:<v1.0.0>\r\nLABEL a=b \\\r\n  # package-registry=v1.0.0\r\n\r\n  package-registry='<v1.0.0>' \\\r\n c=d\r\n`,
    ],
    ['a label in the old form', `FROM ${BASE}:<v1.0.0>\nLABEL package-registry <v1.0.0>\n`],
    ['a label in the old form, in quotes', `FROM ${BASE}:<v1.0.0>\nlabel  package-registry  "<v1.0.0>"\n`],
    [
      'one of several in one ARG',
      `ARG A=1 PACKAGE_REGISTRY=<v1.0.0> B=v1.0.0\nFROM ${BASE}:\${PACKAGE_REGISTRY}\nLABEL other=v1.0.0\n`,
    ],
    [
      'a FROM with the registry in a variable',
      `ARG REGISTRY=host.example.com\nARG PACKAGE_REGISTRY=<v1.0.0>\nFROM \${REGISTRY}/package-registry:\${PACKAGE_REGISTRY}\n`,
    ],
    ['an image in a variable', `ARG IMAGE=${BASE}:<v1.0.0>\nFROM $IMAGE\nLABEL package-registry=<v1.0.0>\n`],
    [
      'an ARG that takes its value from another one',
      `ARG V=<v1.0.0>\nARG PACKAGE_REGISTRY=$V\nFROM ${BASE}:$PACKAGE_REGISTRY\n`,
    ],
    [
      'the default of a variable',
      `ARG PACKAGE_REGISTRY\nFROM ${BASE}:\${PACKAGE_REGISTRY:-<v1.0.0>}\nLABEL package-registry="\${PACKAGE_REGISTRY:-<v1.0.0>}"\n`,
    ],
    [
      'a default that is not used',
      `ARG PACKAGE_REGISTRY=<v1.0.0>\nFROM ${BASE}:\${PACKAGE_REGISTRY:-<v0.9.0>}\nLABEL package-registry=\${PACKAGE_REGISTRY:-none}\n`,
    ],
    [
      'what only looks like a FROM, in a here-document',
      `FROM ${BASE}:<v1.0.0>\nRUN <<EOF\nfrom a.example.com/b:v1.0.0\nLABEL package-registry=v1.0.0\nEOF\nLABEL package-registry=<v1.0.0>\n`,
    ],
    [
      'a stage that the last one starts from',
      `FROM ${BASE}:<v1.0.0> AS Base\nLABEL package-registry=<v1.0.0>\nFROM base\nCOPY packages /packages/staging\n`,
    ],
    ['an escape directive', `# escape=\`\nFROM ${BASE}:<v1.0.0>\nLABEL a=b \`\n  package-registry=<v1.0.0>\n`],
    ['a byte order mark', `\uFEFFARG PACKAGE_REGISTRY=<v1.0.0>\nFROM ${BASE}:$PACKAGE_REGISTRY\n`],
    ['an escape in the value', `ARG PACKAGE_REGISTRY=<v1\\.0.0>\nFROM ${BASE}:$PACKAGE_REGISTRY\n`],
    [
      'an ENV that hides the ARG',
      `ARG PACKAGE_REGISTRY=<v1.0.0>\nFROM ${BASE}:$PACKAGE_REGISTRY\nENV PACKAGE_REGISTRY=<v1.0.0>\nLABEL package-registry=$PACKAGE_REGISTRY\n`,
    ],
  ])('%s: everything else stays as it is', (_, marked) => expectEdit(marked));

  it('is asked for the image that FROM resolves to', async () => {
    await expectEdit(`ARG PACKAGE_REGISTRY=<v1.0.0>\nFROM ${BASE}:\${PACKAGE_REGISTRY}-ubi\n`, [`${BASE}:v2.0.0-ubi`]);
    const source = `ARG PACKAGE_REGISTRY=<v1.0.0>\nFROM a.example.com/tools:$PACKAGE_REGISTRY AS tools\nFROM ${BASE}:$PACKAGE_REGISTRY\n`;
    await expectEdit(source, ['a.example.com/tools:v2.0.0', `${BASE}:v2.0.0`]);
    await expectEdit(`FROM ${BASE}:<v1.0.0>@<${OLD_DIGEST}> AS tools\nFROM ${BASE}:<v1.0.0>\n`, [
      `${BASE}:v2.0.0`,
      `${BASE}:v2.0.0`,
    ]);
  });

  it('with a suffix names the version that its ARG has', () => {
    const source = `ARG PACKAGE_REGISTRY=v1.0.0\nFROM ${BASE}:\${PACKAGE_REGISTRY}-ubi\nLABEL package-registry=\${PACKAGE_REGISTRY}-ubi\n`;
    expect(versionsOf(source)).toEqual(['ARG v1.0.0', 'FROM v1.0.0', 'LABEL v1.0.0']);
  });

  it('with an ARG of its own in a stage names that one in what follows, and in stages that start from it', () => {
    const stage = `FROM ${BASE}:$PACKAGE_REGISTRY AS base\nARG PACKAGE_REGISTRY=v0.9.0\n`;
    const label = 'LABEL package-registry=$PACKAGE_REGISTRY\n';
    expect(versionsOf(`ARG PACKAGE_REGISTRY=v1.0.0\n${stage}${label}FROM base\n${label}`)).toEqual([
      'ARG v1.0.0',
      'ARG v0.9.0',
      'FROM v1.0.0',
      'LABEL v0.9.0',
      'LABEL v0.9.0',
    ]);
  });

  it.each([
    ['v1.\\\n0.0', /^staging:Dockerfile:2: LABEL: 'v1.0.0' is put together from several pieces\. Write the version as/],
    ['"v1.0.0 beta"', /^staging:Dockerfile:2: LABEL: 'v1.0.0 beta' is more than a version/],
    ['v1.0.0-ubi', /^staging:Dockerfile:2: LABEL: 'v1.0.0-ubi' repeats 'v1.0.0' \(line 1\) with more around it/],
  ])('with a label of %j is refused', async (label, message) => {
    await expect(edit(`FROM ${BASE}:v1.0.0\nLABEL package-registry=${label}\n`)).rejects.toThrow(message);
  });

  it.each([
    [`FROM ${BASE}:v1.0.0 AS a\nCOPY --from=${BASE}:v1.0.0 /x /x\n`, /Dockerfile:2: COPY --from names the package/],
    [`FROM ${BASE}:v1.0.0\nRUN cat 3<<EOF\nLABEL package-registry=v1.0.0\nEOF\n`, /Dockerfile:2: RUN: it is not clear/],
    [`FROM ${BASE}:v1.0.0\nRUN echo "a <<b"\nLABEL package-registry=v1.0.0\n`, /Dockerfile:2: RUN: it is not clear/],
    [`FROM ${BASE}:v1.0.0\nONBUILD ARG PACKAGE_REGISTRY=v1.0.0\n`, /Dockerfile:2: ONBUILD names the package registry/],
    [`FROM ${BASE}:\${V}\n`, /Dockerfile:1: FROM: \$\{V\} is not set\. Add before the first FROM: ARG V=<value>/],
    [`ARG A=${DIGEST.slice(0, 9)}\nFROM ${BASE}:v1.0.0@\${A}1\n`, /Dockerfile:2: FROM: the digest is put together/],
    [
      'ARG PACKAGE_REGISTRY=host.example.com\nFROM $PACKAGE_REGISTRY/package-registry:v1.0.0\n',
      /Dockerfile:2: FROM: its image would become v2\.0\.0\/package-registry/,
    ],
    [`FROM ${BASE}:v1.0.0\nLABEL package-registry="v1.0.0\n`, /Dockerfile:2: LABEL: a double quote is not closed/],
  ])('%j is refused', async (source, message) => {
    await expect(edit(source)).rejects.toThrow(message);
  });

  it('that is refused names every place that is in the way', async () => {
    const source = `FROM ${BASE}:v1.0.0\nLABEL package-registry=v1".0".0\nARG PACKAGE_REGISTRY=v1'.'0.0\n`;
    await expect(edit(source)).rejects.toThrow(/Dockerfile:3: ARG:.*\n.*Dockerfile:2: LABEL:/);
  });

  it.each(['', 'FROM scratch\n', 'FROM host:5000/package-registry\n'])('%j says nothing', (source) => {
    expect(readRegistryBase(source, FILE)).toBeUndefined();
  });
});

const extract = join(import.meta.dirname, '../../../../../shared/data/package-storage');
const absent = !existsSync(extract);

describe.skipIf(absent)(`real Dockerfiles${absent ? ' (skipped: the extract is absent)' : ''}`, () => {
  it.each(['production', 'staging', 'snapshot'])('of %s are changed in their ARG', async (distribution) => {
    const source = readFileSync(join(extract, distribution, 'Dockerfile'), 'utf8');
    const { text, asked } = await edit(source, 'v1.16.0');
    expect(text).toBe(source.replace('ARG PACKAGE_REGISTRY=v1.15.0', 'ARG PACKAGE_REGISTRY=v1.16.0'));
    expect(asked).toEqual(['docker.elastic.co/package-registry/package-registry:v1.16.0']);
    expect(versionsOf(source)).toEqual(['ARG v1.15.0', 'FROM v1.15.0', 'LABEL v1.15.0']);
  });
});
