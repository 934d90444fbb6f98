// Talks to a SCIM service with SCIMMY, another implementation of the same standard, as the judge: its messages and schemas
// check what is answered, its filters and its PATCH are carried out here and compared with what the service did.
//
//   node scimmy.mjs BASE-URL TOKEN
import { Service } from "./service.mjs";
import { bulk } from "./steps/bulk.mjs";
import { discovery } from "./steps/discovery.mjs";
import { errors } from "./steps/errors.mjs";
import { filters } from "./steps/filters.mjs";
import { lists } from "./steps/lists.mjs";
import { patches } from "./steps/patches.mjs";
import { resources } from "./steps/resources.mjs";

const service = new Service(...process.argv.slice(2));
let compared = 0;
for (const [name, step] of Object.entries({ discovery, resources, errors, lists, filters, patches, bulk })) {
  const start = performance.now();
  try {
    const n = await step(service);
    compared += n;
    console.log(`ok - ${name}: ${n} compared (${Math.round(performance.now() - start)} ms)`);
  } catch (error) {
    console.error(`not ok - ${name}\n${error.stack ?? error}`);
    process.exit(1);
  }
}
console.log(`${compared} compared: no difference`);
