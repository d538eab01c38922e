// The JWT bearer grant (RFC 7523 section 2.1), which the provider leaves to an extension: the assertion is checked by `jose`, the provider's own library.
import { createLocalJWKSet, jwtVerify } from 'jose';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export function jwtBearer(provider, clients, issuer, errors) {
  const used = new Set();
  const refuse = (detail) => { throw Object.assign(new errors.InvalidGrant('assertion refused'), { error_detail: detail }); };
  provider.registerGrantType(GRANT, async (ctx) => {
    const { assertion, scope } = ctx.oidc.params;
    const { client } = ctx.oidc;
    const jwks = clients.find((one) => one.client_id === client.clientId).jwks;
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(jwks), {
      issuer: client.clientId, audience: [issuer, `${issuer}/token`], requiredClaims: ['exp', 'iat', 'sub', 'jti'], maxTokenAge: '10m',
    }).catch((error) => refuse(error.code));
    if (used.has(payload.jti)) refuse('assertion already used');
    used.add(payload.jti);
    const token = new provider.ClientCredentials({ client, scope: scope ?? payload.scope ?? 'ledger.read' });
    ctx.oidc.entity('ClientCredentials', token);
    ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: token.tokenType, scope: token.scope };
  }, ['assertion', 'scope']);
}
