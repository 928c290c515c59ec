// A receiver's verification, with the library Standard Webhooks publishes: `node standardwebhooks.mjs`.

import { Webhook } from "standardwebhooks";
import { obey, report } from "./talking.mjs";

obey({
  // `body` is base64, so that the very bytes arrive; answers what was verified, or null and why not.
  verify({ secret, headers, body }) {
    try {
      return { payload: new Webhook(secret).verify(Buffer.from(body, "base64"), headers), refused: null };
    } catch (error) {
      return { payload: null, refused: error.message };
    }
  },
});
report("ready");
