import { describe, expect, it } from 'vitest';
import { checkOffline } from './builder-dockerfile.ts';

const PLACES = { stages: ['notes', '1'], images: ['images.example.com/base:v1'] };
const check = (...lines: string[]) =>
  checkOffline(['FROM images.example.com/base:v1', ...lines, ''].join('\n'), 'Dockerfile', PLACES);

describe('a Dockerfile for docker', () => {
  it.each([
    'COPY --from=notes /a /a',
    'COPY --from=Notes /a /a',
    'COPY --from=1 /a /a',
    'COPY --from=images.example.com/base:v1 /a /a',
    'RUN --mount=type=bind,from=notes,target=/n ls /n',
    'RUN --mount=type=tmpfs,target=/n echo https://example.com/',
    'ADD files.tar /a/',
    '# syntax=docker/dockerfile:1',
  ])('may say: %s', (line) => {
    expect(() => check(line)).not.toThrow();
  });

  it.each([
    ['ADD https://example.com/a.tar /a/', /Dockerfile:2: ADD would fetch/],
    ['ADD ["http://example.com/a b", "/a/"]', /Dockerfile:2: ADD would fetch/],
    ['ADD --checksum=sha256:aa git@github.com:a/b.git /a', /ADD would fetch/],
    ['ADD github.com/a/b /a', /ADD would fetch/],
    ['ADD ${WHAT} /a', /ADD would fetch/],
    ['COPY --from=busybox:latest /bin /bin', /from=busybox:latest is no stage/],
    ['COPY --from=2 /bin /bin', /from=2 is no stage/],
    ['COPY --from=${X} /bin /bin', /is no stage/],
    ['RUN --mount=type=bind,from=busybox,target=/n ls /n', /from=busybox is no stage/],
    ['RUN --mount=target=/n,"from=busybox" ["ls"]', /from=busybox is no stage/],
    ['ONBUILD COPY --from=busybox /a /a', /from=busybox is no stage/],
  ])('fetches nothing: %s', (line, problem) => {
    expect(() => check(line)).toThrow(problem);
  });

  it.each([
    '# syntax=docker/dockerfile:1',
    '#  Syntax = a/b',
    '\ufeff# syntax=a',
    '# escape=`\n# syntax=a',
    '#!/x\n// syntax=a',
  ])('is read by nobody else: %s', (directive) => {
    expect(() => checkOffline(`${directive}\nFROM images.example.com/base:v1\n`, 'Dockerfile', PLACES)).toThrow(
      /the directive syntax fetches another reader/,
    );
  });
});
