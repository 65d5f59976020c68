"""Pages for people, made of the service's own public interface: the reference and the console."""
