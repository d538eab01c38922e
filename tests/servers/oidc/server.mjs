// An authorization server for tests: node-oidc-provider (certified, not ours) with a configuration of ours, on loopback if not told otherwise.
//
// It reads one line of JSON from stdin (see `defaults`), prints one line of JSON when it is ready ({issuer, keys}), and ends when stdin is closed, so that it
// never outlives the test that started it. Beside the provider's own endpoints it has
//   GET  /api/ledger        a resource: 200 with the token's facts, 401 with a challenge
//   GET  /__stats           what happened: every request to the token endpoint, and counts
//   POST /__seed            {client, count}: refresh tokens as if a person had consented
//   POST /__device          {user_code, allow}: a person's answer to a device
//   POST /__end_access      every access token ends now
//   POST /__fail            {path, status, times, headers, body}: the next requests to a path are answered so
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { createInterface } from 'node:readline';

import { clientsAndKeys } from './clients.mjs';
import { Store } from './store.mjs';
import { Stats } from './stats.mjs';
import { jwtBearer } from './jwt_bearer.mjs';

const defaults = {
  access_token_seconds: 300,
  refresh_token_seconds: 3600,
  code_seconds: 60,
  device_seconds: 60,
  rotate: true,
  // What happens when a person should sign in: 'auto' (consents without a page), 'page' (a page that consents when it is shown), 'deny'.
  person: 'auto',
  client_keys: false,
  clock_ahead_seconds: 0,
  redirect_uris: ['http://127.0.0.1/callback'], // of the client native-fixed
  address: '127.0.0.1', // where it listens: another one only in a network of the test's own
  tls: null, // {cert, key, client_ca}: PEM
};

const lines = createInterface({ input: process.stdin });
const [line] = await once(lines, 'line');
const options = { ...defaults, ...JSON.parse(line) };
lines.on('close', () => process.exit(0));

// A server whose clock is wrong, in all that it does and says.
const shift = options.clock_ahead_seconds * 1000;
if (shift) {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given) {
      super(...(given.length ? given : [Real.now() + shift]));
    }

    static now() {
      return Real.now() + shift;
    }
  };
}

// The provider explains its defaults at length on these two, so they are silenced before it is loaded.
console.info = console.warn = () => {};
const { default: Provider, errors } = await import('oidc-provider');

let handle = (_req, res) => res.writeHead(503).end();
const { tls } = options;
const server = tls
  ? https.createServer({ cert: tls.cert, key: tls.key, ca: tls.client_ca, requestCert: true, rejectUnauthorized: false }, (...both) => handle(...both))
  : http.createServer((...both) => handle(...both));
server.keepAliveTimeout = 60_000;
await once(server.listen(0, options.address), 'listening');
const host = tls && options.address === '127.0.0.1' ? 'localhost' : options.address;
const issuer = `http${tls ? 's' : ''}://${host}:${server.address().port}`;

const { clients, keys, signing } = clientsAndKeys(options);
const stats = new Stats();
const store = new Store();
const seconds = (name) => () => options[`${name}_seconds`];

const provider = new Provider(issuer, {
  adapter: store.adapter(),
  clients,
  // The default of 15 s would keep a token of 2 s alive for 17.
  clockTolerance: 0,
  jwks: { keys: [signing] },
  cookies: { keys: ['loopback-test-only'] },
  scopes: ['openid', 'offline_access', 'ledger.read', 'ledger.write'],
  claims: { openid: ['sub'] },
  pkce: { required: () => true },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth', 'none'],
  enabledJWA: { clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'] },
  rotateRefreshToken: () => options.rotate,
  issueRefreshToken: async (_ctx, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
  findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  ttl: {
    AccessToken: seconds('access_token'), ClientCredentials: seconds('access_token'), RefreshToken: seconds('refresh_token'),
    AuthorizationCode: seconds('code'), DeviceCode: seconds('device'), IdToken: 300, Grant: 86_400, Interaction: 300, Session: 3600,
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    deviceFlow: { enabled: true },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      getCertificate: (ctx) => (ctx.req.socket.authorized ? ctx.req.socket.getPeerX509Certificate?.() : undefined),
      certificateAuthorized: (ctx) => ctx.req.socket.authorized === true,
      certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_subject_dn'
        && ctx.req.socket.getPeerX509Certificate()?.subject === expected,
    },
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
});
jwtBearer(provider, clients, issuer, errors);
stats.listen(provider);

/** What a person answers: signs in, then consents to all that is asked for. */
async function person(req, res) {
  const details = await provider.interactionDetails(req, res);
  if (options.person === 'deny') {
    const result = { error: 'access_denied', error_description: 'End-User aborted interaction' };
    return provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
  }
  if (details.prompt.name === 'login') return provider.interactionFinished(req, res, { login: { accountId: 'alice' } });
  const grantId = await grant(details.session.accountId, details.params.client_id, details.params.scope);
  return provider.interactionFinished(req, res, { consent: { grantId } }, { mergeWithLastSubmission: true });
}

async function grant(accountId, clientId, scope) {
  const made = new provider.Grant({ accountId, clientId });
  made.addOIDCScope(scope);
  return made.save();
}

const page = '<!doctype html><title>Test login</title><h1>Test login</h1><form method=post><button>Continue as alice</button></form>'
  + '<script>document.forms[0].submit()</script>';

async function seed({ client: id, count }) {
  const client = await provider.Client.find(id);
  const scope = 'openid offline_access ledger.read';
  const tokens = [];
  for (let made = 0; made < count; made += 1) {
    const grantId = await grant(`account-${made}`, id, scope);
    tokens.push(await new provider.RefreshToken({ accountId: `account-${made}`, client, grantId, scope, gty: 'authorization_code' }).save());
  }
  return { refresh_tokens: tokens };
}

async function device({ user_code: userCode, allow }) {
  const code = await provider.DeviceCode.findByUserCode(userCode.replace(/[^A-Z0-9]/g, ''), { ignoreExpiration: true });
  if (!code) return { known: false };
  if (allow) {
    const grantId = await grant('alice', code.clientId, code.params.scope);
    Object.assign(code, { accountId: 'alice', grantId, scope: code.params.scope, authTime: Math.floor(Date.now() / 1000) });
  } else {
    Object.assign(code, { error: 'access_denied', errorDescription: 'End-User aborted interaction' });
  }
  await code.save();
  return { known: true };
}

async function api(req, res) {
  const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1];
  const found = token && (await provider.AccessToken.find(token) ?? await provider.ClientCredentials.find(token));
  stats.api(Boolean(found));
  if (!found) {
    const challenge = token ? 'Bearer realm="ledger", error="invalid_token"' : 'Bearer realm="ledger"';
    return res.writeHead(401, { 'www-authenticate': challenge }).end();
  }
  return json(res, { client: found.clientId, account: found.accountId ?? null, scope: found.scope ?? '' });
}

const json = (res, value) => res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));

async function body(req) {
  let text = '';
  for await (const part of req) text += part;
  return text ? JSON.parse(text) : {};
}

const failures = [];
const oidc = provider.callback();
const ours = {
  '/api/ledger': api,
  '/__stats': async (_req, res) => json(res, stats.report()),
  '/__seed': async (req, res) => json(res, await seed(await body(req))),
  '/__device': async (req, res) => json(res, await device(await body(req))),
  '/__end_access': async (_req, res) => json(res, { ended: store.end(['AccessToken', 'ClientCredentials']) }),
  '/__fail': async (req, res) => { failures.push(await body(req)); json(res, {}); },
};

handle = (req, res) => {
  const [path] = req.url.split('?');
  res.setHeader('date', new Date().toUTCString());
  const failure = failures.find((one) => one.path === path && one.times > 0);
  if (failure) {
    failure.times -= 1;
    stats.failed(path);
    return failure.status === 0 ? req.socket.destroy() : res.writeHead(failure.status, failure.headers).end(failure.body);
  }
  const own = ours[path];
  const oops = (error) => { console.error(error); res.statusCode = 500; res.end(String(error)); };
  if (own) return own(req, res).catch(oops);
  if (path.startsWith('/interaction/')) {
    if (options.person === 'page' && req.method === 'GET') return res.setHeader('content-type', 'text/html').end(page);
    return person(req, res).catch(oops);
  }
  return oidc(req, res);
};

console.log(JSON.stringify({ issuer, keys }));
