"""How does a program reach the emulator that has Zoom's hosts written into it?

It is told of a proxy (`HTTPS_PROXY`) and of a certificate authority, as companies' networks
do, and stays as it is. The proxy leads Zoom's hosts to the emulator and nobody anywhere else.
"""
