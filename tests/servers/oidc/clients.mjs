// The registered clients, one for each way to authenticate, and keys made at start.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

/** The secret of every client that has one: a test's, known to everybody. */
const SECRET = 'test-only-secret-of-32-characters';

/**
 * A pair of keys. They take the way through text, because node can hang when it exports a key while the memory of the job that made the same key is collected.
 */
function pair(type, options) {
  const encodings = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } };
  const privateKey = createPrivateKey(generateKeyPairSync(type, { ...options, ...encodings }).privateKey);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const machine = (id, method, more) => ({
  client_id: id, client_secret: SECRET, token_endpoint_auth_method: method, grant_types: ['client_credentials'],
  redirect_uris: [], response_types: [], scope: 'ledger.read ledger.write', ...more,
});

const person = (id, method, more) => ({
  client_id: id, client_secret: method === 'none' ? undefined : SECRET, token_endpoint_auth_method: method,
  grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], application_type: 'native',
  redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'], scope: 'openid offline_access ledger.read ledger.write', ...more,
});

export function clientsAndKeys(options) {
  const signing = { ...pair('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'server-1' };
  const clients = [
    machine('basic', 'client_secret_basic'),
    machine('post', 'client_secret_post'),
    // Every character that form-encoding (RFC 6749 section 2.3.1) has to change.
    machine('cc:odd id', 'client_secret_basic', { client_secret: 'a:b%c+d/e=f &g"h\\i~' }),
    machine('secret-jwt', 'client_secret_jwt', { token_endpoint_auth_signing_alg: 'HS256' }),
    machine('mtls', 'tls_client_auth', { client_secret: undefined, tls_client_auth_subject_dn: 'CN=ledgerauth test client' }),
    person('web', 'client_secret_basic'),
    person('native', 'none'),
    person('native-fixed', 'none', { redirect_uris: options.redirect_uris }),
    person('device', 'none', {
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'], redirect_uris: [], response_types: [],
    }),
  ];
  const keys = {};
  if (options.client_keys) {
    const pairs = {
      RS256: pair('rsa', { modulusLength: 2048 }),
      ES256: pair('ec', { namedCurve: 'P-256' }),
      EdDSA: pair('ed25519', {}),
    };
    pairs.PS256 = pairs.RS256;
    for (const [alg, made] of Object.entries(pairs)) {
      const id = `key-${alg.toLowerCase()}`;
      const jwk = { ...made.publicKey.export({ format: 'jwk' }), use: 'sig', alg, kid: `${id}-1` };
      const key = { client_secret: undefined, jwks: { keys: [jwk] }, token_endpoint_auth_signing_alg: alg };
      clients.push(machine(id, 'private_key_jwt', key));
      const pem = (type) => made.privateKey.export({ type, format: 'pem' });
      keys[alg] = { pkcs8: pem('pkcs8'), traditional: { RS256: () => pem('pkcs1'), PS256: () => pem('pkcs1'), ES256: () => pem('sec1') }[alg]?.() };
    }
    // The owner of a service account: its assertions are grants, and it authenticates by nothing else (RFC 7523 section 2.1).
    const jwk = { ...pairs.ES256.publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'service-1' };
    clients.push({
      client_id: 'service', token_endpoint_auth_method: 'none', grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
      redirect_uris: [], response_types: [], scope: 'ledger.read ledger.write', jwks: { keys: [jwk] },
    });
  }
  return { clients, keys, signing };
}
