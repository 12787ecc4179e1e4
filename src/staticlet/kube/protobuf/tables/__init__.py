"""The numbers of the fields in Kubernetes' protobuf messages: facts of its wire format.

A table has a line for each message, under the name of its struct: the number and the JSON name of
each field. Types are not told again, the structs have them. Two marks are what Go's types say and
the structs do not: `name!` is told in JSON even where it is empty (a pointer, or a field without
omitempty), and `+Name` is a message whose fields stand in JSON among those of the outer one.
"""
