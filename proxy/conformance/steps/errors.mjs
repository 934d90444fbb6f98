import { Group, PatchOp, User } from "../service.mjs";

// errors sends what must be refused; SCIMMY knows which codes go with which status.
export async function errors(service) {
  const user = await service.user();
  const path = `/Users/${user.id}`;
  const patch = (...Operations) => ({ schemas: [PatchOp.id], Operations });
  const cases = [
    [401, undefined, "GET", "/Users", undefined, { authorization: "Bearer wrong" }],
    [404, undefined, "GET", "/Users/none"],
    [404, undefined, "PUT", "/Groups/none", { schemas: [Group.id], displayName: "x" }],
    [404, undefined, "PATCH", "/Users/none", patch({ op: "replace", path: "title", value: "x" })],
    [404, undefined, "GET", "/Nothing"],
    [404, undefined, "GET", "/Schemas/urn:none"],
    [409, "uniqueness", "POST", "/Users", { schemas: [User.id], userName: user.userName.toUpperCase(), emails: user.emails }],
    [400, "invalidValue", "POST", "/Users", { schemas: [User.id], active: true }],
    [400, "invalidValue", "POST", "/Users", { schemas: [User.id], userName: "a@x.example", active: "maybe" }],
    [400, "invalidSyntax", "POST", "/Users", "{"],
    [400, "invalidSyntax", "POST", "/Users", "[]"],
    [400, "invalidSyntax", "POST", "/Users", '{"userName":"a@x.example","username":"b@x.example"}'],
    [400, "invalidFilter", "GET", "/Users?filter=userName"],
    [400, "invalidFilter", "GET", "/Users?filter=nope%20eq%20%22x%22"],
    [400, "invalidFilter", "GET", "/Users?filter=(userName%20eq%20%22x%22"],
    [400, "invalidFilter", "GET", "/Users?filter=active%20gt%20true"],
    [400, "invalidSyntax", "PATCH", path, { schemas: [PatchOp.id] }],
    [400, "invalidSyntax", "PATCH", path, patch({ op: "move", path: "title", value: "x" })],
    [400, "noTarget", "PATCH", path, patch({ op: "remove" })],
    [400, "noTarget", "PATCH", path, patch({ op: "replace", path: 'emails[type eq "fax"]', value: { value: "x@x.example" } })],
    [400, "invalidPath", "PATCH", path, patch({ op: "add", path: "nope", value: "x" })],
    [400, "invalidFilter", "PATCH", path, patch({ op: "remove", path: "emails[type" })],
    [400, "mutability", "PATCH", path, patch({ op: "replace", path: "id", value: "x" })],
    [400, "mutability", "PATCH", path, patch({ op: "add", path: "groups", value: [{ value: "x" }] })],
    [400, "invalidValue", "PATCH", path, patch({ op: "replace", path: "userName", value: "" })],
    [400, "invalidValue", "PATCH", path, patch({ op: "add", value: "x" })],
  ];
  for (const one of cases) await service.refused(...one);
  return cases.length;
}
