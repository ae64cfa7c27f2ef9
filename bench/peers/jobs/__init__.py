"""The job in the engines that Python runs; each file is a program for the environment of its engine."""
