import { connect as connectPlain, type NetConnectOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectEncrypted } from 'node:tls';

/** Milliseconds in which a connection has to be there, and again for TLS. */
const CONNECT_TIMEOUT = 15_000;

/** Opens a connection; throws when there is none in time. */
export function openPlain(options: NetConnectOpts): Promise<Socket> {
  return untilOpen(connectPlain(options), 'connect');
}

/** Opens an encrypted connection; throws when there is none in time, or the certificate is not trusted. */
export function openEncrypted(options: ConnectionOptions): Promise<Socket> {
  return untilOpen(connectEncrypted(options), 'secureConnect');
}

/** Tells `socket` to fail unless it becomes silent again: the returned function ends the wait. */
export function limitWait(socket: Socket): () => void {
  const timer = setTimeout(() => {
    const message = `no connection within ${CONNECT_TIMEOUT / 1000} s`;
    socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
  }, CONNECT_TIMEOUT);
  return () => clearTimeout(timer);
}

function untilOpen(socket: Socket, event: 'connect' | 'secureConnect'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const done = limitWait(socket);
    const fail = (error: Error): void => {
      done();
      reject(error);
    };
    const close = (): void => fail(new Error('the other side closed the connection'));
    socket.once('error', fail).once('close', close);
    socket.once(event, () => {
      done();
      socket.off('error', fail).off('close', close);
      resolve(socket);
    });
  });
}
