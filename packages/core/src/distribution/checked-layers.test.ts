import { describe, expect, it } from 'vitest';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import type { Digest } from '../image/digest.ts';
import { sha256 } from '../util/content.ts';
import { checkGround, chooseCheckScope } from './checked-layers.ts';
import { type DistributionLabels, formatLabels, type LayerLabel, parseLabels } from './labels.ts';

const digest = (text: string): Digest => `sha256:${sha256(text)}`;
const BASE = digest('base');

function dockerfile(more = '', args = ''): Parameters<typeof checkGround>[0] {
  return parseDockerfile(
    `FROM example.com/base:1\n${args}COPY deployment/config.yml /config.yml\nCOPY packages /packages/production\n${more}`,
    'Dockerfile',
    { env: new Map(), workdir: '/' },
  );
}

const RUN = 'RUN ./package-registry -dry-run\n';
const files = (text: string) => ({ label: 'files' as const, diffId: digest(text) });
const packages = (text: string, distribution = 'production') => ({
  label: { distribution, key: sha256(text) },
  diffId: digest(text),
});

describe('checkGround', () => {
  const ground = checkGround(dockerfile(RUN), BASE, [files('config'), packages('log')]);

  it('is that of the base, the instructions and the own files', () => {
    expect(ground).toMatch(/^[0-9a-f]{64}$/);
    expect(checkGround(dockerfile(RUN), digest('other'), [files('config')])).not.toBe(ground);
    expect(checkGround(dockerfile(RUN), BASE, [files('other')])).not.toBe(ground);
    expect(checkGround(dockerfile(RUN), BASE, [files('config'), files('more')])).not.toBe(ground);
    expect(checkGround(dockerfile(`${RUN}RUN true\n`), BASE, [files('config')])).not.toBe(ground);
    expect(checkGround(dockerfile(`ENV A=1\n${RUN}`), BASE, [files('config')])).not.toBe(ground);
  });

  it('knows the ARGs that a check sees', () => {
    const one = checkGround(dockerfile(RUN, 'ARG LEVEL=1\n'), BASE, []);
    expect(checkGround(dockerfile(RUN, 'ARG LEVEL=2\n'), BASE, [])).not.toBe(one);
  });

  it('is the same whatever the packages are, and wherever the instructions stand', () => {
    expect(checkGround(dockerfile(RUN), BASE, [packages('tcp'), files('config')])).toBe(ground);
    expect(checkGround(dockerfile(`# A word.\n\n${RUN}`), BASE, [files('config')])).toBe(ground);
  });

  it('is none without a check', () => {
    expect(checkGround(dockerfile('ENV A=1\n'), BASE, [files('config')])).toBeUndefined();
  });
});

describe('chooseCheckScope', () => {
  const image = (checked: string | undefined, ...layers: LayerLabel[]): { labels: DistributionLabels } => {
    const labels = {
      distribution: 'production',
      revision: 'a'.repeat(40),
      base: { name: 'example.com/base:1', digest: BASE },
      upstreams: [],
      layers: ['base' as const, ...layers],
      ...(checked !== undefined && { checked }),
    };
    // As the next build reads it.
    return { labels: parseLabels(formatLabels(labels)) ?? labels };
  };
  const [log, tcp, udp, none] = [packages('log'), packages('tcp'), packages('udp'), packages('')];
  const labelOf = (text: string): string => `production:${sha256(text)}`;

  it('takes the layers that no earlier image had when it was checked', () => {
    const earlier = [image('ground', 'files', log.label), undefined, image('ground', tcp.label)];
    expect(chooseCheckScope('ground', [files('f'), log, tcp, udp], earlier)).toEqual({
      kind: 'some',
      labels: new Set([labelOf('udp')]),
    });
    expect(chooseCheckScope('ground', [files('f'), tcp, log], earlier)).toEqual({ kind: 'none' });
  });

  it('takes all of them on another ground, and after an image that was not checked', () => {
    for (const before of [image('other', log.label), image(undefined, log.label), { labels: undefined }]) {
      expect(chooseCheckScope('ground', [log, tcp], [before])).toEqual({ kind: 'all' });
    }
    expect(chooseCheckScope('ground', [log, tcp], [])).toEqual({ kind: 'all' });
  });

  it('takes all of them when none is known', () => {
    expect(chooseCheckScope('ground', [tcp, udp], [image('ground', log.label)])).toEqual({ kind: 'all' });
  });

  it('never takes an empty layer alone, but all of them where nothing else is', () => {
    const earlier = [image('ground', log.label)];
    expect(chooseCheckScope('ground', [log, none], earlier)).toEqual({ kind: 'none' });
    expect(chooseCheckScope('ground', [none], earlier)).toEqual({ kind: 'all' });
  });

  it('tells the packages of one distribution from those of another', () => {
    const other = packages('log', 'staging');
    expect(chooseCheckScope('ground', [log, other], [image('ground', log.label)])).toEqual({
      kind: 'some',
      labels: new Set([`staging:${sha256('log')}`]),
    });
  });
});
