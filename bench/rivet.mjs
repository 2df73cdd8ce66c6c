// Zoom's own SDK, with one command that does nothing: it verifies and dispatches in memory.

import { ChatbotClient } from "../tests/foreign/node/node_modules/@zoom/rivet/chatbot/chatbot.mjs";

const [port, webhooksSecretToken] = process.argv.slice(2);

const bot = new ChatbotClient({
  clientId: "bench-client",
  clientSecret: "bench-client-secret-1",
  webhooksSecretToken,
  port: Number(port),
});

bot.webEventConsumer.event("bot_notification", () => {});

await bot.start();
