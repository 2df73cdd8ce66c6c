// Loaded ahead of a client by `node --require`: it reaches this machine and nobody else, and
// nobody else reaches it. The client itself stays as published.
"use strict";

const net = require("node:net");

const LOCAL = "127.0.0.1";

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const { host, port } = Object([args[0]].flat()[0]);
  if (host !== LOCAL) {
    throw new Error(`refused: ${host}:${port} is not on this machine`);
  }
  return connect.apply(this, args);
};

// A client that names no address would listen on all of them.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, LOCAL, ...rest);
};
