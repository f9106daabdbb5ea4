/**
 * ControllerRegistration (70): a controller tells the active one its endpoints and features (KIP-919).
 */
import { controllerRegistrationApi } from "../metadata/controller-apis.ts";
import { controllerHandler } from "./controller-handler.ts";

export const controllerRegistration = controllerHandler(controllerRegistrationApi);
