import assert from "node:assert/strict";
import { Group, ListResponse, SearchRequest, User } from "../service.mjs";
import { same } from "./resources.mjs";

// lists reads everything page by page in several ways, which must agree.
export async function lists(service) {
  const mark = service.name("lists");
  for (let i = 0; i < 12; i++) await service.user({ title: mark, nickName: `n${(i * 7) % 12}` });
  let compared = 0;
  for (const [endpoint, Schema] of [["/Users", User], ["/Groups", Group]]) {
    const whole = await service.all(endpoint);
    for (const resource of whole) same(Schema, resource);
    for (const count of [1, 7]) {
      assert.deepEqual((await service.all(endpoint, count)).map((r) => r.id), whole.map((r) => r.id));
    }
    assert.equal(new Set(whole.map((r) => r.id)).size, whole.length);
    for (const [query, start, items] of [
      ["count=0", 1, 0], ["startIndex=0&count=1", 1, 1], ["startIndex=-5&count=2", 1, 2], ["count=-1", 1, 0], [`startIndex=${whole.length + 1}`, whole.length + 1, 0],
    ]) {
      const page = await service.list(`${endpoint}?${query}`);
      assert.deepEqual([page.totalResults, page.startIndex, page.itemsPerPage], [whole.length, start, items], query);
      compared++;
    }
    compared += whole.length;
  }

  const filter = `title eq "${mark}"`;
  const got = await service.list(`/Users?filter=${encodeURIComponent(filter)}&startIndex=3&count=4`);
  const request = new SearchRequest().prepare({ filter, startIndex: 3, count: 4 });
  assert.deepEqual(service.listed(await service.ask(200, "POST", "/Users/.search", request), ".search"), got);
  assert.deepEqual([got.totalResults, got.itemsPerPage], [12, 4]);
  const part = await service.ask(200, "POST", "/Users/.search", new SearchRequest().prepare({ filter, attributes: ["userName"], count: 50 }));
  assert.deepEqual(Object.keys(part.Resources[0]).sort(), ["id", "schemas", "userName"]);
  compared += 3;

  const { sort, pagination } = await service.ask(200, "GET", "/ServiceProviderConfig");
  if (sort.supported) compared += await sorting(service, filter);
  if (pagination?.cursor) compared += await byCursor(service, filter);
  return compared;
}

// byCursor follows cursors through lists that were read by index before (RFC 9865).
async function byCursor(service, filter) {
  let compared = 0;
  for (const path of ["/Groups?", "/Users?", `/Users?filter=${encodeURIComponent(filter)}&`, "/Users?sortBy=userName&sortOrder=descending&"]) {
    for (const count of [1, 5, 100]) {
      const found = [];
      for (let cursor = ""; cursor !== undefined; ) {
        const page = await service.ask(200, "GET", `${path}count=${count}&cursor=${cursor}`);
        assert.ok(page.Resources.length <= count && page.Resources.length === page.itemsPerPage, path);
        found.push(...page.Resources);
        assert.ok(page.nextCursor === undefined || /^[A-Za-z0-9._~-]+$/.test(page.nextCursor), page.nextCursor);
        cursor = page.nextCursor;
      }
      assert.deepEqual(found.map((r) => r.id), (await service.all(path.slice(0, -1))).map((r) => r.id), `${path} by ${count}`);
      compared++;
    }
  }
  const { status, document } = await service.request("GET", "/Users?cursor=none"); // SCIMMY does not know this error yet
  assert.deepEqual([status, document.scimType], [400, "invalidCursor"]);
  return compared;
}

// sorting compares the order of the service with the one that SCIMMY makes of the same resources.
async function sorting(service, filter) {
  const unsorted = await service.all(`/Users?filter=${encodeURIComponent(filter)}`);
  let compared = 0;
  for (const sortBy of ["nickName", "userName", "emails", "meta.created"]) {
    for (const sortOrder of ["ascending", "descending"]) {
      const want = new ListResponse([...unsorted], { sortBy, sortOrder, count: 50 }).Resources;
      const query = `filter=${encodeURIComponent(filter)}&sortBy=${sortBy}&sortOrder=${sortOrder}&count=50`;
      const got = (await service.list(`/Users?${query}`)).Resources;
      const key = (r) => ({ nickName: r.nickName, userName: r.userName, emails: r.emails[0].value, "meta.created": r.meta.created })[sortBy];
      assert.deepEqual(got.map(key), want.map(key), `${sortBy} ${sortOrder}`);
      compared++;
    }
  }
  return compared;
}
