import assert from "node:assert/strict";
import SCIMMY from "scimmy";

export const { ErrorResponse, ListResponse, PatchOp, SearchRequest, BulkRequest, BulkResponse } = SCIMMY.Messages;
export const { User, Group, EnterpriseUser } = SCIMMY.Schemas;
export const syncURN = "urn:scimcms:scim:schemas:sync:1.0";

User.extend(EnterpriseUser, false);

// plain is a value as JSON has it, without what is undefined.
export const plain = (value) => JSON.parse(JSON.stringify(value));

// without is an object without some of its members.
export const without = (object, ...names) => Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

// Service is the service under test. Whatever it answers is read by SCIMMY first.
export class Service {
  #run = Math.random().toString(36).slice(2, 8);
  #count = 0;

  constructor(base, token) {
    this.base = base;
    this.token = token;
  }

  // name is one that nobody has yet.
  name(what = "user") {
    return `${what}-${this.#run}-${++this.#count}`;
  }

  async request(method, path, body, headers = {}) {
    const answer = await fetch(this.base + path, {
      method,
      headers: {
        accept: "application/scim+json", authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { "content-type": "application/scim+json" }), ...headers,
      },
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    const document = text === "" ? undefined : JSON.parse(text);
    if (document !== undefined) {
      assert.match(answer.headers.get("content-type"), /^application\/scim\+json/, `${method} ${path}`);
    }
    return { status: answer.status, headers: answer.headers, document, text };
  }

  // ask sends a request that must succeed.
  async ask(status, method, path, body, headers) {
    const answer = await this.request(method, path, body, headers);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.document;
  }

  // refused sends a request that must be refused with a message that SCIMMY makes too.
  async refused(status, scimType, method, path, body, headers) {
    const answer = await this.request(method, path, body, headers);
    const what = `${method} ${path}: ${answer.status} ${answer.text}`;
    assert.equal(answer.status, status, what);
    const { detail } = answer.document;
    assert.ok(detail, what);
    assert.deepEqual(answer.document, plain(without(new ErrorResponse({ status, scimType, detail }), "cause")), what);
  }

  // list reads a list, which SCIMMY must understand as it is.
  async list(path) {
    return this.listed(await this.ask(200, "GET", path), path);
  }

  listed(document, what) {
    const list = new ListResponse(document);
    const page = new ListResponse({ ...document, startIndex: 1 }); // else SCIMMY looks for the page inside the page
    assert.deepEqual(document.schemas, [ListResponse.id], what);
    for (const name of ["totalResults", "startIndex", "itemsPerPage"]) {
      assert.equal(document[name], list[name], `${what}: ${name}`);
      assert.equal(typeof document[name], "number", `${what}: ${name}`);
    }
    assert.equal(document.Resources.length, document.itemsPerPage, what);
    assert.deepEqual(plain(page.Resources), document.Resources, what);
    return document;
  }

  // all reads every page.
  async all(path, count = 50) {
    const found = [];
    for (let start = 1; ; start += count) {
      const page = await this.list(`${path}${path.includes("?") ? "&" : "?"}startIndex=${start}&count=${count}`);
      found.push(...page.Resources);
      if (page.Resources.length < count) {
        assert.equal(found.length, page.totalResults, path);
        return found;
      }
    }
  }

  // user creates one; the address is the name's.
  async user(more = {}) {
    const userName = more.userName ?? `${this.name()}@x.example`;
    return this.ask(201, "POST", "/Users", {
      schemas: [User.id], userName, active: true, emails: [{ value: userName, type: "work", primary: true }], ...more,
    });
  }

  async group(more = {}) {
    return this.ask(201, "POST", "/Groups", { schemas: [Group.id], displayName: this.name("Group"), ...more });
  }
}
