// A chatbot written with Zoom's own SDK, as its documentation shows it.
//
// Prints `ready <port>` once it listens. Rivet's `say` sends the user's id as `user_jid`;
// where that matters, in user-managed apps, the endpoint itself takes the event's JIDs.

import { ChatbotClient } from "@zoom/rivet/chatbot";

const bot = new ChatbotClient({
  clientId: process.env.ZOOM_CLIENT_ID,
  clientSecret: process.env.ZOOM_CLIENT_SECRET,
  webhooksSecretToken: process.env.ZOOM_WEBHOOK_SECRET_TOKEN,
  port: 0,
});
const { messages } = bot.endpoints;

const about = ({ robotJid, accountId, userJid }) => ({
  robot_jid: robotJid,
  account_id: accountId,
  user_jid: userJid,
});

bot.webEventConsumer.onSlashCommand("hello", async ({ say, payload }) => {
  await say(`Hello, ${payload.userName}`);
});

bot.webEventConsumer.onSlashCommand(/^echo /u, async ({ payload }) => {
  const text = payload.cmd.slice("echo ".length);
  const content = { body: [{ type: "message", text }] };
  const body = { ...about(payload), to_jid: payload.toJid, content };
  await messages.sendChatbotMessage({ body });
});

bot.webEventConsumer.onSlashCommand("ask", async ({ payload }) => {
  const items = ["accept", "forget"].map((value) => ({ text: value, value, style: "Default" }));
  const content = { head: { text: "Lunch at noon?" }, body: [{ type: "actions", items }] };
  const body = { ...about(payload), to_jid: payload.toJid, content };
  await messages.sendChatbotMessage({ body });
});

bot.webEventConsumer.onButtonClick("accept", async ({ say, payload }) => {
  const content = { head: { text: `${payload.userName} comes to lunch` } };
  const path = { message_id: payload.messageId };
  await messages.editChatbotMessage({ path, body: { ...about(payload), content } });
  await say("Noted");
});

bot.webEventConsumer.onButtonClick("forget", async ({ payload }) => {
  const path = { message_id: payload.messageId };
  await messages.deleteChatbotMessage({ path, query: about(payload) });
});

const server = await bot.start();
console.log(`ready ${server.address().port}`);
