// What the server saw: every request to the token endpoint with how the client authenticated, and how often what happened.
const claims = (jwt) => {
  try {
    const [head, body] = jwt.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
    return { alg: head.alg, kid: head.kid ?? null, iss: body.iss, sub: body.sub, aud: body.aud, jti: body.jti ?? null, lives: body.exp - body.iat };
  } catch {
    return null;
  }
};

export class Stats {
  constructor() {
    this.requests = [];
    this.revocations = [];
    this.apiCalls = { ok: 0, refused: 0 };
    this.failures = {};
  }

  listen(provider) {
    const note = (ctx, error) => {
      const params = ctx.oidc?.params ?? {};
      const jwt = params.client_assertion ?? params.assertion;
      this.requests.push({
        grant: params.grant_type ?? null,
        client: ctx.oidc?.client?.clientId ?? params.client_id ?? null,
        auth: this.#how(ctx, params),
        scope: params.scope ?? null,
        assertion: jwt ? claims(jwt) : null,
        error: error ? error.error : null,
        detail: error ? error.error_detail ?? error.error_description ?? null : null,
      });
    };
    provider.on('grant.success', (ctx) => note(ctx));
    provider.on('grant.error', note);
    provider.on('revocation.error', (_ctx, error) => this.revocations.push({ error: error.error }));
    provider.use(async (ctx, next) => {
      await next();
      if (ctx.oidc?.route === 'revocation' && ctx.status === 200) {
        const { client, params } = ctx.oidc;
        this.revocations.push({ client: client.clientId, hint: params.token_type_hint ?? null, auth: this.#how(ctx, params), error: null });
      }
    });
    provider.on('server_error', (_ctx, error) => console.error(error));
  }

  #how(ctx, params) {
    if (ctx.headers.authorization) return 'header';
    if (params.client_assertion) return 'assertion';
    if (params.client_secret) return 'body';
    return ctx.req.socket.authorized ? 'certificate' : 'none';
  }

  api(ok) {
    this.apiCalls[ok ? 'ok' : 'refused'] += 1;
  }

  failed(path) {
    this.failures[path] = (this.failures[path] ?? 0) + 1;
  }

  report() {
    const count = (fits) => this.requests.filter(fits).length;
    const isRefresh = (one) => one.grant === 'refresh_token';
    return {
      requests: this.requests,
      revocations: this.revocations,
      refreshes: count((one) => isRefresh(one) && !one.error),
      refused_refreshes: count((one) => isRefresh(one) && one.error),
      invalid_grants: count((one) => one.error === 'invalid_grant'),
      reused: count((one) => isRefresh(one) && one.detail === 'refresh token already used'),
      api: this.apiCalls,
      failures: this.failures,
    };
  }
}
