// Drives the emulator with the official client, as it comes from npm, and checks everything the client gives back.
//
//   node lifecycle.mjs BASE-URL TOKEN
import assert from "node:assert/strict";
import { ApiError, buildClient } from "@datocms/cma-client-node";
import { checkEndpoints } from "./endpoints.mjs";

const [baseUrl, apiToken] = process.argv.slice(2);
const client = buildClient({ apiToken, baseUrl, environment: "main" });

const control = async (method, path, body) => {
  const answer = await fetch(`${baseUrl}/_emulator/${path}`, { method, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};
const fault = (body) => control("POST", "faults", { times: 1, ...body });

// refused checks that a call fails as the client's documentation says: an ApiError with the code, found by findError.
const refused = async (call, status, code, details) => {
  const error = await call.then(
    () => assert.fail(`not refused: ${code}`),
    (e) => e,
  );
  assert.ok(error instanceof ApiError, `not an ApiError: ${error?.stack ?? error}`);
  assert.equal(error.response.status, status, error.message);
  const found = error.findError(code, details);
  assert.ok(found, `no ${code} ${JSON.stringify(details)} in ${error.message}`);
  assert.equal(error.errors.length, 1);
  assert.equal(found.type, "api_error");
  assert.match(found.id, /^[0-9a-f]{6}$/);
  assert.equal(found.attributes.doc_url, `https://www.datocms.com/docs/content-management-api/errors#${code}`);
  assert.match(error.response.headers["x-request-id"] ?? "none: the answer of a job", /^[0-9a-f-]{36}$|^none/);
  return found;
};

let editor;
let admin;
const steps = [];
const step = (name, run) => steps.push([name, run]);

step("the client finds every endpoint it knows", () => checkEndpoints(baseUrl, apiToken));

step("credentials: the token is an access token with an Admin role", async () => {
  const me = await client.users.rawFindMe({ include: "role" });
  assert.equal(me.data.type, "access_token");
  assert.equal(me.data.attributes.can_access_cma, true);
  assert.equal(me.included.length, 1);
  assert.equal(me.included[0].id, me.data.relationships.role.data.id);
  assert.equal(me.included[0].meta.final_permissions.can_manage_users, true);
  const simple = await client.users.findMe({ include: "role" });
  assert.equal(simple.type, "access_token");
  assert.deepEqual(simple.role, { id: me.included[0].id, type: "role" });
  assert.deepEqual(await client.accessTokens.list(), [simple]);
  assert.deepEqual(await client.accessTokens.find(simple.id), simple);
  await refused(buildClient({ apiToken: "wrong", baseUrl }).users.list(), 401, "INVALID_AUTHORIZATION_HEADER");
  await refused(buildClient({ apiToken: null, baseUrl }).users.list(), 401, "INVALID_AUTHORIZATION_HEADER");
});

step("project: owner, public information, and a base URL with a slash", async () => {
  const site = await client.site.find();
  assert.equal(site.type, "site");
  assert.equal(site.owner.type, "account");
  const raw = await client.site.rawFind({ include: "account" });
  assert.equal(raw.included[0].id, site.owner.id);
  const owner = raw.included[0].attributes.email;
  assert.ok(!(await client.users.list()).some((u) => u.email === owner), "the owner is among the users");
  await refused(client.siteInvitations.create({ email: owner, role: editorLink() }), 422, "ACCOUNT_ALREADY_JOINED_SITE");
  const slash = buildClient({ apiToken, baseUrl: `${baseUrl}/` });
  assert.equal((await slash.publicInfo.find()).name, site.name);
});
const editorLink = () => ({ id: "301", type: "role" });

step("roles: the two of a new project", async () => {
  const roles = await client.roles.list();
  assert.deepEqual(roles.map((r) => r.name), ["Editor", "Admin"]);
  [editor, admin] = roles;
  assert.equal(editor.environments_access, "primary_only");
  assert.equal(admin.environments_access, "all");
  assert.deepEqual(editor.inherits_permissions_from, []);
  for (const role of roles) {
    const { id, type, name, inherits_permissions_from, meta, ...declared } = role;
    assert.deepEqual(meta.final_permissions, declared, "nothing is inherited, so final is declared");
    assert.equal(Object.values(declared).filter((v) => typeof v === "boolean").length, 20);
    assert.equal(Object.values(declared).filter(Array.isArray).length, 8);
    assert.deepEqual(await client.roles.find(id), role);
    assert.deepEqual(await client.roles.find({ id, type }), role);
  }
});

step("roles: create, update, duplicate, inherit, delete", async () => {
  const plain = await client.roles.create({ name: "Writer" });
  assert.match(plain.id, /^\d+$/);
  assert.equal(plain.can_manage_users, false);
  assert.equal(plain.environments_access, "primary_only");
  assert.deepEqual(plain.positive_item_type_permissions, []);

  // What the official test suite does: all that was read goes back, with another name.
  const renamed = await client.roles.update(plain.id, { ...plain, name: "Author" });
  assert.deepEqual(renamed, { ...plain, name: "Author" });
  const { id: _, ...template } = editor;
  const copy = await client.roles.create({ ...template, name: "Made of Editor" });
  assert.deepEqual({ ...copy, id: editor.id, name: editor.name }, editor);

  const twin = await client.roles.duplicate(editor.id);
  assert.notEqual(twin.name, editor.name);
  assert.deepEqual({ ...twin, id: editor.id, name: editor.name }, editor);

  const child = await client.roles.create({
    name: "Child", environments_access: "none", inherits_permissions_from: [{ id: admin.id, type: "role" }],
    positive_build_trigger_permissions: [], negative_build_trigger_permissions: [{ build_trigger: null }],
  });
  assert.deepEqual(child.inherits_permissions_from, [{ id: admin.id, type: "role" }]);
  assert.equal(child.can_manage_users, false);
  assert.equal(child.meta.final_permissions.can_manage_users, true);
  assert.equal(child.meta.final_permissions.environments_access, "all");
  assert.deepEqual(child.meta.final_permissions.positive_build_trigger_permissions, []);
  assert.deepEqual(child.meta.final_permissions.positive_item_type_permissions, admin.positive_item_type_permissions);

  const raw = await client.roles.rawUpdate(child.id, {
    data: { id: child.id, type: "role", relationships: { inherits_permissions_from: { data: [] } } },
  });
  assert.equal(raw.data.meta.final_permissions.can_manage_users, false);
  assert.equal((await client.roles.rawCreate({ data: { type: "role", attributes: { name: "Raw" } } })).data.type, "role");

  await refused(client.roles.create({ name: "Editor" }), 422, "INVALID_FIELD", { field: "name", code: "VALIDATION_UNIQUENESS" });
  await refused(client.roles.rawCreate({ data: { type: "role", attributes: { name: "X", can_fly: true } } }), 422, "INVALID_FORMAT");
  await refused(client.roles.create({ name: "X", positive_upload_permissions: [] }), 422, "INVALID_FORMAT");
  await refused(client.roles.find("1"), 404, "NOT_FOUND");
  await refused(client.roles.destroy(editor.id), 422, "DELETE_RESTRICTION");
  for (const role of (await client.roles.list()).slice(2)) {
    assert.equal((await client.roles.destroy(role.id)).id, role.id);
    await refused(client.roles.find(role.id), 404, "NOT_FOUND");
  }
  assert.deepEqual(await client.roles.list(), [editor, admin]);
});

step("invitations: create, find, change, resend, accept", async () => {
  const email = "New+a@example.com";
  const created = await client.siteInvitations.create({ email, role: editorLink() });
  const { invitation_link: link, ...shown } = created;
  assert.deepEqual(shown, { id: created.id, type: "site_invitation", email, expired: false, role: editorLink() });
  assert.match(link, /^https:\/\/dashboard\.datocms\.com\/join-site\?/);
  const later = { ...shown, invitation_link: null };
  assert.deepEqual(await client.siteInvitations.find(created.id), later);
  assert.deepEqual(await client.siteInvitations.list(), [later]);

  await refused(client.siteInvitations.create({ email: "NEW+A@EXAMPLE.COM", role: editorLink() }), 422, "INVALID_FIELD", { field: "email", code: "VALIDATION_UNIQUENESS" });
  await refused(client.siteInvitations.create({ email: "nobody", role: editorLink() }), 422, "INVALID_FIELD", { field: "email", code: "VALIDATION_FORMAT" });
  await refused(client.siteInvitations.create({ email: "x@example.com", role: null }), 422, "INVALID_FORMAT");
  await refused(client.siteInvitations.create({ email: "x@example.com", role: { id: "9", type: "role" } }), 404, "NOT_FOUND");
  await refused(client.siteInvitations.rawCreate({ data: { type: "site_invitation", attributes: { email: "x@example.com", full_name: "X" }, relationships: { role: { data: editorLink() } } } }), 422, "INVALID_FORMAT");

  const changed = await client.siteInvitations.update(created.id, { role: { id: admin.id, type: "role" } });
  assert.equal(changed.role.id, admin.id);
  assert.equal((await control("POST", `site-invitations/${created.id}/expire`)).data.id, created.id);
  assert.equal((await client.siteInvitations.find(created.id)).expired, true);
  const resent = await client.siteInvitations.resend(created.id);
  assert.equal(resent.expired, false);
  assert.notEqual(resent.invitation_link, link);

  const { data: joined } = await control("POST", `site-invitations/${created.id}/accept`, { full_name: "New Person" });
  assert.deepEqual(await client.siteInvitations.list(), []);
  await refused(client.siteInvitations.resend(created.id), 404, "NOT_FOUND");
  const user = await client.users.find(joined.id);
  assert.deepEqual(user, {
    id: joined.id, type: "user", email, full_name: "New Person", is_active: true, is_2fa_active: false,
    role: { id: admin.id, type: "role" }, meta: { last_access: null },
  });
  await refused(client.siteInvitations.create({ email: "new+A@example.com", role: editorLink() }), 422, "ACCOUNT_ALREADY_JOINED_SITE");

  const second = await client.siteInvitations.create({ email: "second@example.com", role: editorLink() });
  assert.equal((await client.siteInvitations.destroy(second.id)).id, second.id);
  assert.equal((await client.siteInvitations.rawList()).data.length, 0);
});

step("users: list, suspend, change, delete", async () => {
  const users = await client.users.list();
  assert.equal(users.length, 6);
  const grace = users.find((u) => u.email === "grace@example.com");
  assert.equal((await client.users.update(grace.id, { is_active: false })).is_active, false);
  assert.equal((await client.users.list()).find((u) => u.id === grace.id).is_active, false);
  const both = await client.users.update(grace.id, { is_active: true, role: { id: admin.id, type: "role" } });
  assert.deepEqual(both, { ...grace, role: { id: admin.id, type: "role" } });
  // The client leaves out what it does not know, so this changes nothing but is_active.
  assert.equal((await client.users.update(grace.id, { is_active: true, email: "x@example.com" })).email, grace.email);
  await refused(client.users.rawUpdate(grace.id, { data: { id: grace.id, type: "user", attributes: { is_active: true, email: "x@example.com" } } }), 422, "INVALID_FORMAT");
  await refused(client.users.update(grace.id, { role: null }), 422, "INVALID_FORMAT");
  await refused(client.users.find("1"), 404, "NOT_FOUND");
  assert.equal((await client.users.rawFind(grace.id, { include: "role" })).included[0].id, admin.id);

  const { data: author } = await control("POST", "users", { email: "author@example.com", role: "Editor", owns_content: true });
  const me = await client.users.findMe();
  await refused(client.users.destroy(author.id), 422, "DESTINATION_USER_REQUIRED");
  await refused(client.users.destroy(author.id, { destination_user_type: "user", destination_user_id: "1" }), 422, "INVALID_DESTINATION_USER");
  await refused(client.users.destroy(author.id, { destination_user_type: "organization", destination_user_id: "1" }), 422, "INVALID_DESTINATION_TYPE");
  const gone = await client.users.destroy(author.id, { destination_user_type: me.type, destination_user_id: me.id });
  assert.equal(gone.email, "author@example.com");
  assert.deepEqual(await client.users.destroy(grace.id), both);
  assert.equal((await client.users.list()).length, 5);
});

step("plan: limits and features", async () => {
  const limits = await client.subscriptionLimits.list();
  const seats = limits.find((l) => l.code === "users");
  assert.deepEqual(seats, { id: "users", type: "subscription_limit", code: "users", usage: 5, limit: 40 });
  assert.deepEqual(await client.subscriptionLimits.find("users"), seats);
  assert.equal((await client.subscriptionFeatures.list()).find((f) => f.code === "sso").enabled, false);
  await control("POST", "seats", { seats: 5 });
  const full = await refused(client.siteInvitations.create({ email: "x@example.com", role: editorLink() }), 422, "PLAN_UPGRADE_REQUIRED", { limit: "users" });
  assert.deepEqual(full.attributes.details, { limit: "users" });
  await control("POST", "seats", { seats: 0 });
  assert.equal((await client.subscriptionLimits.find("users")).limit, null);
});

step("single sign-on: empty lists", async () => {
  assert.deepEqual(await client.ssoUsers.list(), []);
  assert.deepEqual(await client.ssoGroups.list(), []);
  const settings = await client.ssoSettings.find();
  assert.equal(settings.type, "sso_settings");
  assert.equal(settings.default_role, null);
  await refused(client.ssoUsers.find("1"), 404, "NOT_FOUND");
  await refused(client.ssoUsers.copyUsers(), 422, "PLAN_UPGRADE_REQUIRED", { limit: "sso" });
  await refused(client.ssoSettings.generateToken(), 422, "PLAN_UPGRADE_REQUIRED", { limit: "sso" });
});

step("errors: 5xx at once, transient ones again, 429 after the time told", async () => {
  const before = await control("GET", "calls");
  await fault({ method: "POST", path: "/site-invitations", action: "status", status: 503, code: "SERVICE_UNAVAILABLE" });
  await refused(client.siteInvitations.create({ email: "t@example.com", role: editorLink() }), 503, "SERVICE_UNAVAILABLE");
  await fault({ method: "POST", path: "/site-invitations", action: "status", status: 422, code: "CONCURRENT_ROLE_UPDATE", transient: true });
  await fault({ method: "POST", path: "/site-invitations", action: "rate_limit", reset: 1 });
  const start = performance.now();
  const made = await client.siteInvitations.create({ email: "t@example.com", role: editorLink() });
  assert.ok(performance.now() - start > 1900, "the client did not wait a second for each");
  const after = await control("GET", "calls");
  const own = after.rate_limited - before.rate_limited - 1; // of the limiter itself, besides the one made here
  assert.equal(after.by_endpoint["POST /site-invitations"] - before.by_endpoint["POST /site-invitations"], 4 + own);
  await client.siteInvitations.destroy(made.id);
  const hasty = buildClient({ apiToken, baseUrl, autoRetry: false });
  await fault({ action: "rate_limit", reset: 3 });
  const error = await hasty.users.list().catch((e) => e);
  assert.equal(error.response.status, 429);
  assert.match(error.response.headers["x-ratelimit-reset"], /^[1-9]\d*$/);
  assert.equal(error.response.headers["x-ratelimit-limit"], "60");
});

step("limiter: a burst of 75 calls passes, with its 429s waited out", async () => {
  const before = await control("GET", "calls");
  await Promise.all(Array.from({ length: 75 }, () => client.users.find("1001")));
  const after = await control("GET", "calls");
  const limited = after.rate_limited - before.rate_limited;
  assert.ok(limited >= 15, `only ${limited} calls were limited`);
  assert.equal(after.total - before.total, 75 + limited);
});

step("web pages and dropped connections", async () => {
  await fault({ path: "/users", action: "html" });
  assert.equal((await client.users.list()).length, 5); // a GET is sent again
  await fault({ method: "POST", action: "html", status: 502 });
  const html = await client.siteInvitations.create({ email: "t@example.com", role: editorLink() }).catch((e) => e);
  assert.ok(html instanceof ApiError && html.errors.length === 0 && html.response.status === 502);
  for (const action of ["drop_before", "drop_after"]) {
    await fault({ method: "POST", action });
    const dropped = await client.siteInvitations.create({ email: `${action}@example.com`, role: editorLink() }).catch((e) => e);
    assert.equal(dropped.message, "fetch failed");
  }
  assert.deepEqual((await client.siteInvitations.list()).map((i) => i.email), ["drop_after@example.com"]);
});

step("slow answers are waited for", async () => {
  await fault({ method: "GET", path: "/roles", action: "delay", ms: 60 });
  assert.equal((await client.roles.list()).length, 2);
});

step("jobs: 202, then the result", async () => {
  await fault({ method: "POST", path: "/site-invitations", action: "job" });
  const invited = await client.siteInvitations.create({ email: "job@example.com", role: editorLink() });
  assert.equal(invited.email, "job@example.com");
  assert.match(invited.invitation_link, /^https:/);
  await fault({ method: "POST", path: "/site-invitations", action: "job", polls: -1 });
  await refused(client.siteInvitations.create({ email: "job@example.com", role: editorLink() }), 422, "INVALID_FIELD", { code: "VALIDATION_UNIQUENESS" });
  await fault({ method: "PUT", path: "/site-invitations/:id", action: "job", polls: -1 });
  assert.equal((await client.siteInvitations.update(invited.id, { role: { id: admin.id, type: "role" } })).role.id, admin.id);
  await refused(client.jobResults.find("0123456789abcdef01234567"), 404, "NOT_FOUND");
});

step("the emulator's state is what the client sees", async () => {
  const state = await control("GET", "state");
  assert.deepEqual(state.users, (await client.users.rawList()).data);
  assert.deepEqual(state.invitations, (await client.siteInvitations.rawList()).data);
  assert.deepEqual(state.roles, (await client.roles.rawList()).data);
  assert.deepEqual((await control("GET", "faults")).faults, []);
});

for (const [name, run] of steps) {
  const start = performance.now();
  try {
    await run();
  } catch (error) {
    console.error(`not ok - ${name}\n${error.stack ?? error}`);
    process.exit(1);
  }
  console.log(`ok - ${name} (${Math.round(performance.now() - start)} ms)`);
}
console.log(`${steps.length} steps: no difference`);
process.exit(0); // a dropped call leaves the client's timeout running, which would hold the process for half a minute
