// Where the provider keeps what it issues: in memory, each thing until its own end, with nothing evicted before.
export class Store {
  constructor() {
    this.kept = new Map();
    this.byGrant = new Map();
    this.byUid = new Map();
    this.byUserCode = new Map();
  }

  /** Ends everything of these kinds; how many there were. */
  end(kinds) {
    const doomed = [...this.kept.keys()].filter((key) => kinds.some((kind) => key.startsWith(`${kind}:`)));
    doomed.forEach((key) => this.kept.delete(key));
    return doomed.length;
  }

  adapter() {
    const store = this;
    return class {
      constructor(kind) {
        this.kind = kind;
      }

      key(id) {
        return `${this.kind}:${id}`;
      }

      async upsert(id, payload, seconds) {
        const key = this.key(id);
        store.kept.set(key, { payload, end: seconds ? Date.now() + seconds * 1000 : Infinity });
        if (payload.uid) store.byUid.set(payload.uid, id);
        if (payload.userCode) store.byUserCode.set(payload.userCode, id);
        if (payload.grantId) {
          if (!store.byGrant.has(payload.grantId)) store.byGrant.set(payload.grantId, new Set());
          store.byGrant.get(payload.grantId).add(key);
        }
      }

      async find(id) {
        const entry = store.kept.get(this.key(id));
        // A device code that has ended is still known, so that the provider can say that it has ended.
        const counts = entry && (entry.end > Date.now() || this.kind === 'DeviceCode');
        return counts ? entry.payload : undefined;
      }

      async findByUid(uid) {
        return this.find(store.byUid.get(uid));
      }

      async findByUserCode(code) {
        return this.find(store.byUserCode.get(code));
      }

      async consume(id) {
        const entry = store.kept.get(this.key(id));
        if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
      }

      async destroy(id) {
        store.kept.delete(this.key(id));
      }

      async revokeByGrantId(grantId) {
        for (const key of store.byGrant.get(grantId) ?? []) store.kept.delete(key);
        store.byGrant.delete(grantId);
      }
    };
  }
}
