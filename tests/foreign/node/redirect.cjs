// Loaded ahead of a client by `node --require`: what the client sends to Zoom reaches the
// emulator instead, and nothing reaches anybody else. The client itself stays as published.
"use strict";

const http = require("node:http");
const https = require("node:https");
const { syncBuiltinESMExports } = require("node:module");
const net = require("node:net");
const { urlToHttpOptions } = require("node:url");

const ZOOM = new Set(["zoom.us", "api.zoom.us", "marketplace.zoom.us"]);
const emulator = new URL(process.env.EMULATOR_URL);

// Takes both of Node's signatures: (url[, options][, callback]) and (options[, callback]).
https.request = (first, ...rest) => {
  const isUrl = typeof first === "string" || first instanceof URL;
  const asked = {
    ...(isUrl ? urlToHttpOptions(new URL(first)) : first),
    ...(typeof rest[0] === "object" ? rest.shift() : {}),
  };
  const host = asked.hostname ?? asked.host;
  if (!ZOOM.has(host)) {
    throw new Error(`refused: ${host} is not Zoom`);
  }
  const sent = {
    ...asked,
    protocol: "http:",
    hostname: emulator.hostname,
    host: emulator.hostname,
    port: emulator.port,
    agent: undefined, // the one given speaks TLS
  };
  return http.request(sent, ...rest);
};

https.get = (...args) => {
  const request = https.request(...args);
  request.end();
  return request;
};

syncBuiltinESMExports();

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const { host, port } = Object([args[0]].flat()[0]);
  if (host !== emulator.hostname || String(port) !== emulator.port) {
    throw new Error(`refused: ${host}:${port} is not the emulator`);
  }
  return connect.apply(this, args);
};

// A client that names no address would listen on all of them.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, "127.0.0.1", ...rest);
};
