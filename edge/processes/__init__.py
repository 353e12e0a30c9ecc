"""The processes of `edge serve`: the supervisor, the receiver, the agent; how they are started and talk."""
