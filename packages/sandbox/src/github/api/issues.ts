import { announce } from '../announce.ts';
import { type Answer, created, listPage, noContent, ok } from '../answer.ts';
import { notFound, validationFailed } from '../api-error.ts';
import type { JsonObject } from '../payload.ts';
import type { CommentRecord, IssueRecord } from '../records.ts';
import { actorOf, numberParameter, type RepositoryCall, type Route, repositoryRoute, senderOfCall } from '../route.ts';
import { commentShape, issueShape } from '../shapes/issue-shape.ts';
import { findIssue, issueRead, issueWrite } from './find-issue.ts';
import { ensureLabels, labelNames } from './labels.ts';
import { newIssue } from './new-issue.ts';

/** The longest text of a comment, in characters. */
const bodyLimit = 65_536;

function getIssue(call: RepositoryCall): Answer {
  return ok(issueShape(call.site, call.repository, findIssue(call)));
}

function createIssue(call: RepositoryCall): Answer {
  const { site, repository, payload } = call;
  const title = payload.string('title');
  if (title === '') throw validationFailed({ resource: 'Issue', field: 'title', code: 'missing_field' });
  const issue: IssueRecord = {
    ...newIssue(call, title),
    labels: ensureLabels(repository, labelNames(payload.optionalList('labels') ?? [])),
    pull: null,
  };
  repository.record.issues.push(issue);
  repository.save();
  return created(issueShape(site, repository, issue));
}

function listComments(call: RepositoryCall): Promise<Answer> {
  const { number } = findIssue(call);
  const since = call.query.get('since');
  const comments = call.repository.record.comments
    .filter(({ issue }) => issue === number)
    .filter(({ updatedAt }) => since === null || Date.parse(updatedAt) >= Date.parse(since));
  return listPage(call, comments, (comment) => commentShape(call.site, call.repository, comment));
}

function commentBody({ payload }: RepositoryCall): string {
  const body = payload.string('body');
  if (body.trim() === '') throw validationFailed({ resource: 'IssueComment', field: 'body', code: 'missing_field' });
  if (body.length > bodyLimit) {
    const message = `body is too long (maximum is ${bodyLimit} characters)`;
    throw validationFailed({ resource: 'IssueComment', field: 'body', code: 'unprocessable', message });
  }
  return body;
}

async function createComment(call: RepositoryCall): Promise<Answer> {
  const { site, repository } = call;
  const issue = findIssue(call);
  const createdAt = site.timestamp();
  const comment: CommentRecord = {
    body: commentBody(call),
    id: repository.nextId(),
    issue: issue.number,
    user: actorOf(call).login,
    createdAt,
    updatedAt: createdAt,
  };
  repository.record.comments.push(comment);
  issue.updatedAt = createdAt;
  repository.save();
  await announceComment(call, 'created', comment);
  return created(commentShape(site, repository, comment));
}

function findComment(call: RepositoryCall): CommentRecord {
  const id = numberParameter(call, 'comment_id');
  const comment = call.repository.record.comments.find((each) => each.id === id);
  if (comment === undefined) throw notFound();
  return comment;
}

function getComment(call: RepositoryCall): Answer {
  return ok(commentShape(call.site, call.repository, findComment(call)));
}

async function updateComment(call: RepositoryCall): Promise<Answer> {
  const comment = findComment(call);
  const changes = { body: { from: comment.body } };
  comment.body = commentBody(call);
  comment.updatedAt = call.site.timestamp();
  call.repository.save();
  await announceComment(call, 'edited', comment, { changes });
  return ok(commentShape(call.site, call.repository, comment));
}

async function deleteComment(call: RepositoryCall): Promise<Answer> {
  const comment = findComment(call);
  const { record } = call.repository;
  record.comments = record.comments.filter((each) => each !== comment);
  call.repository.save();
  await announceComment(call, 'deleted', comment);
  return noContent;
}

/** @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment */
async function announceComment(
  call: RepositoryCall,
  action: 'created' | 'edited' | 'deleted',
  comment: CommentRecord,
  more: JsonObject = {},
): Promise<void> {
  const { site, repository } = call;
  const issue = repository.issue(comment.issue);
  if (issue === undefined) return;
  await announce(site, repository, senderOfCall(call), { name: 'issue_comment', action }, () => ({
    ...more,
    issue: issueShape(site, repository, issue),
    comment: commentShape(site, repository, comment),
  }));
}

export const issueRoutes: readonly Route[] = [
  repositoryRoute('POST', '/issues', ['issues:write'], createIssue),
  repositoryRoute('GET', '/issues/{issue_number}', issueRead, getIssue),
  repositoryRoute('GET', '/issues/{issue_number}/comments', issueRead, listComments),
  repositoryRoute('POST', '/issues/{issue_number}/comments', issueWrite, createComment),
  repositoryRoute('GET', '/issues/comments/{comment_id}', issueRead, getComment),
  repositoryRoute('PATCH', '/issues/comments/{comment_id}', issueWrite, updateComment),
  repositoryRoute('DELETE', '/issues/comments/{comment_id}', issueWrite, deleteComment),
];
