"""What do people see and do? Conversations, the Chatbot API, and the pages of the client."""
