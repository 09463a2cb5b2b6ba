// Calls a served API with a client that a generator made of its document.
// Arguments: the generated module, the address of the server, a key.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const [file, base, key] = process.argv.slice(2);
const { Api } = await import(pathToFileURL(file));
const { api } = new Api({
  baseUrl: base,
  securityWorker: () => ({ headers: { Authorization: `Bearer ${key}` } }),
});

const list = "news.example.org";
assert.equal((await api.addList({ id: list, name: "News" })).data.name, "News");
await assert.rejects(api.addList({ id: list }), e => e.status === 409 && e.error.title === "Conflict");
assert.equal((await api.describeList(list, { description: "Once a week." })).data.description, "Once a week.");

const suppressed = { recipient: "ada@example.net", list, reason: "unsubscribed" };
const once = { headers: { "Idempotency-Key": "a" } };
assert.equal((await api.suppress(suppressed, once)).data.changed, 1);
assert.equal((await api.suppress(suppressed, once)).data.changed, 1, "the same answer");
assert.equal((await api.suppress(suppressed)).data.changed, 0);

const items = Array.from({ length: 1000 }, (_, i) => ({ recipient: `p${i}@example.com`, reason: "bounced" }));
items[7].recipient = "nobody";
const batch = (await api.suppressBatch({ items })).data;
assert.deepEqual([batch.changed, batch.failed, batch.items[7].problem.status], [999, 1, 400]);

const seen = [];
for (let cursor = ""; ; ) {
  const page = (await api.listSuppressions({ limit: 300, cursor })).data;
  seen.push(...page.items.map(s => s.recipient));
  if (!(cursor = page.cursor)) break;
}
assert.equal(new Set(seen).size, 1000);

const check = async () => (await api.checkSuppressions({ emails: ["Ada@example.net", "p1@example.com", "eve@example.net"], list })).data.items;
assert.deepEqual((await check()).map(s => s.reasons), [["unsubscribed"], ["bounced"], []]);
const left = (await api.unsuppress({ recipient: "ada@example.net", list, reason: "unsubscribed" })).data;
assert.deepEqual(left, { changed: 1, remaining: [] });
assert.equal((await check())[0].suppressed, false);

await api.choose("ada@example.net", { choices: [{ list, state: "limited", every: "week" }] });
assert.equal((await api.getRecipient("ada@example.net")).data.choices[0].every, "week");
const events = (await api.listEvents({ recipient: "ada@example.net" })).data.items;
assert.deepEqual(events.map(e => e.kind).filter(k => k !== "in-force"), ["unsubscribed", "resubscribed", "limited"]);
const day = (await api.getStats({ days: 1 })).data;
assert.deepEqual([day.total.opt_outs, day.total.suppressed], [1, 999]);

await api.eraseRecipient("ada@example.net");
assert.equal((await api.getRecipient("ada@example.net")).data.erased, true);
await assert.rejects(api.getList("unknown.example.org"), e => e.status === 404 && e.error.type === "about:blank");
await assert.rejects(api.listEvents({ kind: "party" }), e => e.status === 400 && e.error.detail.startsWith("kind must be"));
