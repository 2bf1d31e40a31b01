import { buildSchema, GraphQLError, graphql } from 'graphql';
import { type Answer, ok } from '../answer.ts';
import { ApiError } from '../api-error.ts';
import { mayAccess, requireVisible } from '../authentication.ts';
import { isOid } from '../git/objects.ts';
import type { HostedRepository } from '../hosted-repository.ts';
import { type PullRequest, pullRequestsOf } from '../pull-request.ts';
import { announcePull } from '../pull-request-events.ts';
import { type Call, type Route, senderOfCall, siteRoute } from '../route.ts';
import { nodeId } from '../shapes/user-shape.ts';

/** The few fields that are served, as GitHub describes them. @see https://docs.github.com/en/graphql/reference */
const schema = buildSchema(`
  scalar GitObjectID

  type Query {
    repository(owner: String!, name: String!): Repository
    viewer: User!
  }

  type User {
    login: String!
  }

  type Mutation {
    convertPullRequestToDraft(input: PullRequestInput!): PullRequestPayload
    markPullRequestReadyForReview(input: PullRequestInput!): PullRequestPayload
  }

  input PullRequestInput {
    pullRequestId: ID!
  }

  type PullRequestPayload {
    pullRequest: PullRequest
  }

  type PullRequest {
    id: ID!
    isDraft: Boolean!
    timelineItems(itemTypes: [PullRequestTimelineItemsItemType!], first: Int, last: Int): TimelineItems!
  }

  enum PullRequestTimelineItemsItemType {
    AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT
    BASE_REF_CHANGED_EVENT
  }

  type TimelineItems {
    nodes: [TimelineItem]
  }

  union TimelineItem = AutomaticBaseChangeSucceededEvent | BaseRefChangedEvent

  scalar DateTime

  type AutomaticBaseChangeSucceededEvent {
    createdAt: DateTime!
    newBase: String!
    oldBase: String!
  }

  type BaseRefChangedEvent {
    createdAt: DateTime!
    currentRefName: String!
    previousRefName: String!
  }

  type Repository {
    object(oid: GitObjectID): GitObject
    pullRequest(number: Int!): PullRequest
  }

  interface GitObject {
    oid: GitObjectID!
  }

  type Blob implements GitObject {
    oid: GitObjectID!
    byteSize: Int!
    isBinary: Boolean
    isTruncated: Boolean!
    text: String
  }

  type Commit implements GitObject {
    oid: GitObjectID!
  }

  type Tree implements GitObject {
    oid: GitObjectID!
  }

  type Tag implements GitObject {
    oid: GitObjectID!
  }
`);

/** Bytes of a blob's text that are sent. */
const textLimit = 512 * 1024;

const typeNames = { blob: 'Blob', commit: 'Commit', tree: 'Tree', tag: 'Tag' } as const;

async function query(call: Call): Promise<Answer> {
  const { actor } = call;
  if (actor === undefined) throw new ApiError(401, 'This endpoint requires you to be authenticated.');
  const variables = call.payload.optionalObject('variables')?.value;
  const result = await graphql({
    schema,
    source: call.payload.string('query'),
    rootValue: {
      // Unlike REST's `GET /user`, this tells apps and jobs, too, who they are.
      viewer: () => ({ login: actor.login }),
      repository: (names: RepositoryNames) => findRepository(call, names),
      convertPullRequestToDraft: (given: PullRequestInput) => setDraft(call, given, true),
      markPullRequestReadyForReview: (given: PullRequestInput) => setDraft(call, given, false),
    },
    variableValues: typeof variables === 'object' && variables !== null ? { ...variables } : {},
  });
  // GitHub puts the kind of an error beside its message, and has no extensions.
  const errors = result.errors?.map(({ message, path, locations, extensions }) => ({
    ...extensions,
    path,
    locations,
    message,
  }));
  return ok({
    ...(result.data === undefined ? {} : { data: result.data }),
    ...(errors === undefined ? {} : { errors }),
  });
}

interface RepositoryNames {
  readonly owner: string;
  readonly name: string;
}

function findRepository(call: Call, { owner, name }: RepositoryNames): unknown {
  const repository = call.site.find(`${owner}/${name}`);
  if (repository === undefined || !isVisible(call, repository)) {
    throw refusal('NOT_FOUND', `Could not resolve to a Repository with the name '${owner}/${name}'.`);
  }
  return {
    object: ({ oid }: { readonly oid?: string }) => {
      if (!mayAccess(call.actor, ['contents:read'], !repository.record.private)) {
        throw refusal('FORBIDDEN', 'Resource not accessible by integration');
      }
      return oid === undefined || !isOid(oid) ? null : findObject(repository, oid);
    },
    pullRequest: ({ number }: { readonly number: number }) => {
      if (!mayAccess(call.actor, ['pull_requests:read'], !repository.record.private)) {
        throw refusal('FORBIDDEN', 'Resource not accessible by integration');
      }
      const found = pullRequestsOf(repository).find((request) => request.number === number);
      if (found !== undefined) return showPullRequest(found);
      throw refusal('NOT_FOUND', `Could not resolve to a PullRequest with the number of ${number}.`);
    },
  };
}

interface TimelineRange {
  readonly itemTypes?: readonly string[];
  readonly first?: number;
  readonly last?: number;
}

/** Of the timeline only the changes of the base branch are kept. */
function showPullRequest({ id, pull }: PullRequest) {
  return {
    id: nodeId('PullRequest', id),
    isDraft: pull.draft,
    timelineItems: ({ itemTypes, first, last }: TimelineRange) => {
      const isAsked = itemTypes === undefined || itemTypes.includes('BASE_REF_CHANGED_EVENT');
      const all = (isAsked ? (pull.baseChanges ?? []) : []).map(({ from, to, at }) => ({
        __typename: 'BaseRefChangedEvent',
        createdAt: at,
        currentRefName: to,
        previousRefName: from,
      }));
      const head = first === undefined ? all : all.slice(0, first);
      return { nodes: last === undefined ? head : head.slice(Math.max(0, head.length - last)) };
    },
  };
}

interface PullRequestInput {
  readonly input: { readonly pullRequestId: string };
}

async function setDraft(
  call: Call,
  { input: { pullRequestId: id } }: PullRequestInput,
  draft: boolean,
): Promise<unknown> {
  for (const repository of call.site.repositories().filter((each) => isVisible(call, each))) {
    const found = pullRequestsOf(repository).find((request) => nodeId('PullRequest', request.id) === id);
    if (found === undefined) continue;
    if (!mayAccess(call.actor, ['pull_requests:write'], false)) {
      throw refusal('FORBIDDEN', 'Resource not accessible by integration');
    }
    const isOther = found.pull.draft !== draft;
    found.pull.draft = draft;
    repository.save();
    const action = draft ? 'converted_to_draft' : 'ready_for_review';
    if (isOther) await announcePull(call.site, repository, senderOfCall(call), action, found);
    return { pullRequest: { id, isDraft: draft } };
  }
  throw refusal('NOT_FOUND', `Could not resolve to a node with the global id of '${id}'.`);
}

function isVisible({ actor }: Call, repository: HostedRepository): boolean {
  try {
    requireVisible(actor, repository);
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

/** A blob counts as binary when there is a NUL near its beginning, as git has it. */
async function findObject(repository: HostedRepository, oid: string): Promise<unknown> {
  const found = await repository.git.read(oid);
  if (found === undefined) return null;
  const { content, size, type } = found;
  const isBinary = content.subarray(0, 8000).includes(0);
  return {
    __typename: typeNames[type],
    oid,
    byteSize: size,
    isBinary,
    isTruncated: size > textLimit,
    text: isBinary ? null : content.subarray(0, textLimit).toString(),
  };
}

function refusal(type: string, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { type } });
}

/** GraphQL, at `/graphql` and `/api/graphql`. @see https://docs.github.com/en/graphql/guides/forming-calls-with-graphql */
export const graphqlRoute: Route = siteRoute('POST /graphql', ['metadata:read'], query);
