declare module "jquery"
