import { describe, expect, it } from 'vitest';
import { readEvent } from './event.ts';

describe('the address of GraphQL', () => {
  it.each([
    ['on github.com', {}, 'https://api.github.com/graphql'],
    [
      'on an Enterprise Server',
      { GITHUB_API_URL: 'https://git.example.com/api/v3' },
      'https://git.example.com/api/graphql',
    ],
    [
      'as the runner says',
      { GITHUB_API_URL: 'https://git.example.com/api/v3', GITHUB_GRAPHQL_URL: 'https://git.example.com/other' },
      'https://git.example.com/other',
    ],
    [
      'but never that of another server',
      { GITHUB_API_URL: 'http://127.0.0.1:8080/api/v3', GITHUB_GRAPHQL_URL: 'https://api.github.com/graphql' },
      'http://127.0.0.1:8080/api/graphql',
    ],
  ])('is known %s', (_, env, expected) => {
    expect(readEvent(env).graphqlUrl).toBe(expected);
  });
});
