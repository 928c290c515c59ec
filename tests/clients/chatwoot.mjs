// The SDK people use against Chatwoot's client API: `node chatwoot.mjs URL`.

import sdk from "@figuro/chatwoot-sdk";
import { obey, report } from "./talking.mjs";

const [basePath] = process.argv.slice(2);
const Client = sdk.default ?? sdk;
const { client } = new Client({ config: { basePath } });

obey({
  call({ resource, method, details }) {
    return client[resource][method](details);
  },
});
report("ready");
