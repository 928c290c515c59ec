// AnyCable's client: `node anycable.mjs actioncable-v1-json|actioncable-v1-ext-json URL [pongs]`.

import { Channel, createCable } from "@anycable/core";
import WebSocket from "ws";
import { obey, report } from "./talking.mjs";

const [protocol, url, pongs] = process.argv.slice(2);

class RoomChannel extends Channel {
  static identifier = "RoomChannel";
}

const cable = createCable(url, {
  protocol,
  websocketImplementation: WebSocket,
  logLevel: "error",
  protocolOptions: { pongs: pongs === "pongs" },
  // The tests cannot wait as long as people can.
  reconnectStrategy: () => 30 + Math.random() * 60,
});
const channels = new Map();

cable.on("connect", ({ reconnect, restored }) => report("open", { reconnect, restored: restored ?? false }));
cable.on("disconnect", (error) => report("closed", { reason: error?.reason ?? null }));
cable.on("close", (error) => report("ended", { reason: error?.reason ?? null }));

obey({
  subscribe({ params }) {
    const key = JSON.stringify(params);
    const channel = new RoomChannel(params);
    channels.set(key, channel);
    channel.on("connect", ({ restored }) => report("connected", { key, restored: restored ?? false }));
    channel.on("disconnect", (error) => report("disconnected", { key, reason: error?.reason ?? null }));
    channel.on("close", (error) => report("rejected", { key, reason: error?.reason ?? null }));
    channel.on("message", (message, meta) => report("received", { key, message, meta: meta ?? null }));
    channel.on("info", (info) => report("info", { key, type: info.type }));
    channel.on("presence", (presence) => report("presence", { key, presence }));
    cable.subscribe(channel);
  },
  unsubscribe({ params }) {
    cable.unsubscribe(channels.get(JSON.stringify(params)));
  },
  perform({ params, action, data }) {
    return channels.get(JSON.stringify(params)).perform(action, data ?? {});
  },
  whisper({ params, data }) {
    return channels.get(JSON.stringify(params)).whisper(data);
  },
  join({ params, id, info }) {
    return channels.get(JSON.stringify(params)).presence.join(id, info);
  },
  leave({ params }) {
    return channels.get(JSON.stringify(params)).presence.leave();
  },
  roster({ params }) {
    return channels.get(JSON.stringify(params)).presence.info();
  },
  drop() {
    cable.transport.ws?.terminate();
  },
});
report("ready");
