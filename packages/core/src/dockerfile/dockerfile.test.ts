import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDockerfile } from './parse-dockerfile.ts';

const COPY = 'COPY packages /packages/production';

function parse(...lines: string[]) {
  return parseDockerfile(['FROM a.example.com/base:v1', ...lines, COPY].join('\n'), 'Dockerfile');
}

function stepOf(line: string) {
  return parse(line).steps[0];
}

describe('a Dockerfile', () => {
  it('fills in arguments where Docker does', () => {
    const source = [
      'ARG V=1.0',
      'ARG HOST="a.example.com"',
      'FROM $HOST/distribution:production AS Production',
      'FROM ${HOST}/base:v${V}',
      'LABEL before=${V}',
      'ARG V',
      'ARG OTHER=x',
      'LABEL after=$V-$OTHER literal=\'$V\' quoted="a $V" default=${NONE:-none} set=${V:+yes}',
      'COPY --from=production /packages/production /packages/production',
      'COPY packages /packages/staging',
    ].join('\n');
    const { base, stages, steps, findings } = parseDockerfile(source, 'Dockerfile');
    expect(base).toEqual({ reference: 'a.example.com/base:v1.0', line: 4 });
    expect([...stages]).toEqual([['production', { reference: 'a.example.com/distribution:production', line: 3 }]]);
    expect(steps.map(({ kind }) => kind)).toEqual(['label', 'label', 'upstream', 'packages']);
    expect(steps[0]).toMatchObject({ values: [['before', '']] });
    expect(steps[1]).toMatchObject({
      values: [
        ['after', '1.0-x'],
        ['literal', '$V'],
        ['quoted', 'a 1.0'],
        ['default', 'none'],
        ['set', 'yes'],
      ],
    });
    expect(findings).toMatchObject([{ rule: 'dockerfile-variable', line: 5, fix: 'Add after FROM: ARG V' }]);
  });

  it('knows the variables and the directory of the base image', () => {
    const source = ['FROM a.example.com/base:v1', 'ENV PATH=/new:$PATH', 'COPY file.yml config.yml', COPY].join('\n');
    const base = { env: new Map([['PATH', '/bin']]), workdir: '/package-registry' };
    const { steps, findings } = parseDockerfile(source, 'Dockerfile', base);
    expect(steps[0]).toMatchObject({ values: [['PATH', '/new:/bin']] });
    expect(steps[1]).toMatchObject({ target: { path: '/package-registry/config.yml', isDirectory: false } });
    expect(findings).toEqual([]);
  });

  it.each([
    [
      'ENV A=1 B="two words" \\\n    # a comment\n\n    C=x\\ y',
      {
        kind: 'env',
        values: [
          ['A', '1'],
          ['B', 'two words'],
          ['C', 'x y'],
        ],
      },
    ],
    ['env OLD style of value', { kind: 'env', values: [['OLD', 'style of value']] }],
    ['WORKDIR sub/..//dir/', { kind: 'workdir', path: '/dir' }],
    ['USER 1000:1000', { kind: 'user', user: '1000:1000' }],
    ['EXPOSE 8080 53/udp', { kind: 'expose', ports: ['8080/tcp', '53/udp'] }],
    ['ENTRYPOINT ["./package-registry", "-x"]', { kind: 'entrypoint', command: ['./package-registry', '-x'] }],
    ['CMD ./run $HOME', { kind: 'cmd', command: ['/bin/sh', '-c', './run $HOME'] }],
    [
      'RUN ./package-registry \\\n  -dry-run',
      { kind: 'run', command: ['/bin/sh', '-c', './package-registry   -dry-run'] },
    ],
    [
      'HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD curl -f localhost || exit 1',
      { check: { Test: ['CMD-SHELL', 'curl -f localhost || exit 1'], Interval: 9e10, Timeout: 5e8, Retries: 3 } },
    ],
    ['HEALTHCHECK NONE', { check: { Test: ['NONE'] } }],
    [
      'COPY a.yml b.yml /etc/',
      { kind: 'copy', sources: ['a.yml', 'b.yml'], target: { path: '/etc', isDirectory: true } },
    ],
    ['COPY ["with space.yml", "/a b"]', { kind: 'copy', sources: ['with space.yml'], target: { path: '/a b' } }],
    ['COPY --link ../../x.yml /x.yml', { kind: 'copy', sources: ['x.yml'] }],
  ])('understands %s', (line, expected) => {
    expect(stepOf(line)).toMatchObject(expected);
  });

  it.each([
    ['ADD x /x', /Dockerfile:2: ADD is not understood\. Put what it does into a base image/],
    ['VOLUME /data', /Dockerfile:2: VOLUME/],
    ['ONBUILD RUN x', /ONBUILD/],
    ['RUN --mount=type=secret,id=x cat', /RUN --mount is not understood/],
    ['RUN <<EOF\necho\nEOF', /here-document/],
    ['RUN cat <<EOF\nx\nEOF', /here-document/],
    ['COPY deployment/a <<"EOF" /x/\nx\nEOF', /here-document/],
    ['COPY --chown=1000 a /a', /COPY --chown is not understood/],
    ['COPY *.yml /etc/', /is a pattern/],
    ['COPY . /', /COPY \. copies a part of the packages, or more/],
    ['COPY packages/log /packages/log', /copies a part of the packages/],
    ['COPY packages /packages/other', /copied twice/],
    ['COPY packages /srv/packages', /the packages are copied to \/srv\/packages/],
    ['COPY --from=nobody /packages/x /packages/x', /no stage has this name/],
    ['COPY --from=a /etc/passwd /etc/passwd', /something else than one distribution's packages/],
    ['COPY --from=a /packages/x /packages/y', /something else/],
    ['EXPOSE 80-90', /'80-90' is no port/],
    ['HEALTHCHECK --interval=soon CMD x', /'soon' is no duration/],
    ['LABEL x', /'x' is not written as name=value/],
    ['LABEL a="b', /a double quote is not closed/],
    ['LABEL a=${b%c}', /is not written as/],
    ['FROM scratch', /the packages are not copied|names no image/],
  ])('refuses %s with file, line and the way out', (line, message) => {
    expect(() => parse(line)).toThrow(message);
    expect(() => parse(line)).toThrow(/^Dockerfile:\d+: /);
  });

  it.each([
    ['', /there is no FROM/],
    ['RUN x', /RUN stands before the first FROM/],
    ['FROM a.example.com/b:${V}', /\$\{V\} is not set\. Add before the first FROM: ARG V=<value>/],
    ['FROM a.example.com/b AS', /is not written as FROM/],
    ['FROM --platform=linux/arm64 a.example.com/b', /FROM --platform/],
    [
      `FROM a.example.com/b AS x\nRUN y\nFROM a.example.com/c\n${COPY}`,
      /Dockerfile:2: a stage that is not the last one/,
    ],
    ['FROM a.example.com/b', /the packages are not copied/],
  ])('refuses %j', (source, message) => {
    expect(() => parseDockerfile(source, 'Dockerfile')).toThrow(message);
  });
});

describe('a Dockerfile that another program carries out', () => {
  const parseOther = (...lines: string[]) => parseDockerfile(lines.join('\n'), 'Dockerfile', undefined, 'other');

  it('may do what it likes: images and packages are found', () => {
    const { base, stages, steps } = parseOther(
      'FROM --platform=$BUILDPLATFORM a.example.com/tools:1 AS tools',
      'RUN <<EOF',
      'make',
      'EOF',
      'FROM a.example.com/distribution:production AS production',
      'FROM a.example.com/base:v1 AS start',
      'FROM a.example.com/unnamed:1',
      'RUN x',
      'FROM start',
      'SHELL ["/bin/bash", "-c"]',
      'VOLUME /data',
      'COPY --from=tools --chown=1000 /made /made',
      'COPY --from=production /packages/production /packages/production',
      'COPY packages /packages/staging',
    );
    expect(base.reference).toBe('a.example.com/base:v1');
    expect([...stages].map(([name, { reference }]) => [name, reference])).toEqual([
      ['tools', 'a.example.com/tools:1'],
      ['production', 'a.example.com/distribution:production'],
      ['start', 'a.example.com/base:v1'],
      ['3', 'a.example.com/unnamed:1'],
    ]);
    expect(steps.map(({ kind }) => kind)).toEqual(['upstream', 'packages']);
  });

  it('still has to name a base image and to copy the packages', () => {
    expect(() => parseOther('FROM a.example.com/b:1', 'RUN x')).toThrow(/the packages are not copied/);
    expect(() => parseOther('FROM scratch', COPY)).toThrow(/names no image in a registry/);
    expect(() => parseOther('FROM a.example.com/b:${V}', COPY)).toThrow(/\$\{V\} is not set/);
  });
});

const extract = join(import.meta.dirname, '../../../../../shared/data/package-storage');
const absent = !existsSync(extract);

describe.skipIf(absent)(`real Dockerfiles${absent ? ' (skipped: the extract is absent)' : ''}`, () => {
  it.each([
    ['production', []],
    ['staging', ['production']],
    ['snapshot', ['production', 'staging']],
  ])('of %s are understood unchanged', (distribution, upstreams) => {
    const source = readFileSync(join(extract, distribution, 'Dockerfile'), 'utf8');
    const { base, steps } = parseDockerfile(source, 'Dockerfile');
    expect(base.reference).toBe('docker.elastic.co/package-registry/package-registry:v1.15.0');
    expect(steps.flatMap((step) => (step.kind === 'upstream' ? [step.distribution] : []))).toEqual(upstreams);
    expect(steps.find(({ kind }) => kind === 'packages')).toMatchObject({ distribution });
    expect(steps.find(({ kind }) => kind === 'run')).toMatchObject({
      command: ['/bin/sh', '-c', './package-registry -dry-run'],
    });
    expect(steps.find(({ kind }) => kind === 'copy')).toMatchObject({
      sources: ['deployment/package-registry.yml'],
      target: { path: '/package-registry/config.yml', isDirectory: false },
    });
  });
});
