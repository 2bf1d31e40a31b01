/**
 * Returns where a GitHub server answers GraphQL: `https://api.github.com/graphql`, and `https://<server>/api/graphql`
 * beside the `/api/v3` of an Enterprise Server.
 *
 * `told` is what the runner says. It is believed as long as it names the same server: the token that is sent there is for
 * the server of `apiUrl`, and somebody who sets one of the two variables by hand may forget the other.
 * https://docs.github.com/graphql/guides/forming-calls-with-graphql#the-graphql-endpoint
 */
export function graphqlUrlOf(apiUrl: string, told?: string): string {
  if (told !== undefined && isSameServer(apiUrl, told)) return told;
  return /\/api\/v3$/.test(apiUrl) ? apiUrl.replace(/\/v3$/, '/graphql') : `${apiUrl}/graphql`;
}

function isSameServer(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin;
}
