// Rails' own client, in the version named: `node rails.mjs @rails/actioncable|actioncable-6 URL`.

import WebSocket from "ws";
import { obey, report } from "./talking.mjs";

const [name, url] = process.argv.slice(2);

// What the client expects of a browser.
globalThis.self = globalThis;
globalThis.addEventListener = globalThis.removeEventListener = () => {};
globalThis.document = { visibilityState: "visible", addEventListener() {}, removeEventListener() {} };
globalThis.WebSocket = WebSocket;

const loaded = await import(name);
const cable = loaded.default ?? loaded;
cable.adapters.WebSocket = WebSocket;

const consumer = cable.createConsumer(url);
const subscriptions = new Map();

obey({
  subscribe({ params }) {
    const key = JSON.stringify(params);
    subscriptions.set(
      key,
      consumer.subscriptions.create(params, {
        connected: () => report("connected", { key }),
        disconnected: (state) => report("disconnected", { key, state: state ?? null }),
        rejected: () => report("rejected", { key }),
        received: (message) => report("received", { key, message }),
      }),
    );
  },
  unsubscribe({ params }) {
    subscriptions.get(JSON.stringify(params)).unsubscribe();
  },
  perform({ params, action, data }) {
    subscriptions.get(JSON.stringify(params)).perform(action, data ?? {});
  },
  drop() {
    consumer.connection.webSocket.terminate();
  },
  protocol() {
    return consumer.connection.getProtocol();
  },
  disconnect() {
    consumer.disconnect();
  },
});
report("ready");
